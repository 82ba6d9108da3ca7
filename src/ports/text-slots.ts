/**
 * Texts beside the heap, each in a place of its own: what is kept for every request only to be pushed
 * out by the next ones must not be moved about by the garbage collector.
 */
export interface TextSlots {
  /** Puts a text into a place, instead of what was there; false where it does not take this text. */
  readonly write: (slot: number, text: string) => boolean
  /** The first `length` characters of what was put there. */
  readonly read: (slot: number, length: number) => string
}

/** Makes so many places. */
export type CreateTextSlots = (count: number) => TextSlots
