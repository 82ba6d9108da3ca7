/** A place for one piece of work: how to leave it, or undefined where it is taken. */
export type OnePlace = () => (() => void) | undefined

/** Makes a place that is free. */
export function createOnePlace(): OnePlace {
  let taken: object | undefined
  return () => {
    if (taken !== undefined) return undefined
    const mine = {}
    taken = mine
    return () => {
      if (taken === mine) taken = undefined // to leave twice is to leave once
    }
  }
}
