import type { Instant } from '../domain/instant.ts'

/** Both clocks of the process, read together. */
export type Clock = () => Instant
