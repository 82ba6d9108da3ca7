/**
 * What a transport read at once. Whoever is handed its messages may keep them until the last of them was, and
 * then do for all what is dearer to do for each. A transport that hands over one at a time opens none.
 */
export interface Burst {
  /** Whether messages are being handed over that were read together. */
  readonly isOpen: () => boolean
  /** Runs a task, which must not throw, once the last of them was. */
  readonly atEnd: (task: () => void) => void
}

/** The same for the transport. */
export interface BurstSource extends Burst {
  readonly begin: () => void
  readonly end: () => void
}
