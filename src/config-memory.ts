type Fault = (variable: string, message: string) => void

/** How much a process keeps in memory. */
export interface MemoryConfig {
  /** Decisions that the admin API finds in memory; 0: none are kept. */
  readonly adminDecisions: number
  /** Subjects whose tokens and facts are kept at most. */
  readonly maxSubjects: number
}

/** What a subject's verified token and its fact may take, in bytes: those of usual length take less. */
export const bytesOfToken = 2_048
export const bytesOfFact = 1_800

/** Reads the bounds of what is kept in memory. */
export function readMemory(
  text: (variable: string) => string | undefined,
  fault: Fault,
): MemoryConfig {
  const count = (variable: string, { fallback, least, most }: Bounds): number => {
    const value = text(variable)
    if (value === undefined) return fallback
    const read = /^\d{1,8}$/.test(value) ? Number(value) : Infinity
    if (read < least || read > most) {
      fault(variable, `"${value}" is not a whole number from ${least} to ${most}`)
    }
    return read
  }
  return {
    adminDecisions: count('TENANTGATE_ADMIN_DECISIONS', {
      ...{ fallback: 10_000, least: 0, most: 100_000 },
    }),
    maxSubjects: count('TENANTGATE_MAX_SUBJECTS', {
      ...{ fallback: 65_536, least: 1_000, most: 10_000_000 },
    }),
  }
}

interface Bounds {
  readonly fallback: number
  readonly least: number
  readonly most: number
}
