/** What something costs as a multiple of something that is always measured beside it, by name. */
export type Ratios = Readonly<Record<string, number>>

/** A loss beyond this fails. */
const allowed = 1.25

/**
 * Those that decide: of the whole service to a server that allows everything, in rounds that are interleaved.
 * A part is held against a fixed piece of work, which a busy machine slows by more or less than the part: it
 * names the culprit of a loss, and is none by itself.
 */
export const decides = (name: string): boolean => name.startsWith('service,')

/** The ratios whose names are wanted. */
export const ratiosOf = (ratios: Ratios, isWanted: (name: string) => boolean): Ratios =>
  Object.fromEntries(Object.entries(ratios).filter(([name]) => isWanted(name)))

/**
 * The losses, in words. What the baseline has and the run has not is one too, so that a measurement
 * cannot get lost; what is new in the run has nothing to be held against.
 */
export function compareToBaseline(baseline: Ratios, measured: Ratios): readonly string[] {
  return Object.entries(baseline).flatMap(([name, before]) => {
    const now = measured[name]
    if (now === undefined || Number.isNaN(now)) return [`${name}: not measured`]
    if (now <= before * allowed) return []
    const percent = Math.round((now / before - 1) * 100)
    return [`${name}: ${now.toFixed(2)} instead of ${before.toFixed(2)}, ${percent} % more`]
  })
}
