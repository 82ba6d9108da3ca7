/** How a check came out: `error` makes the service wrong or slow, `warn` weakens it. */
export type FindingStatus = 'ok' | 'warn' | 'error'

/** What one check found. The name is stable, as `postgres.table.users`. */
export interface Finding {
  readonly name: string
  readonly status: FindingStatus
  /** What is so, or what is wrong, in one line. */
  readonly message: string
  /** What follows from it; null where all is well. */
  readonly why: string | null
  /** SQL, a command or a setting that mends it; null where all is well. */
  readonly mend: string | null
}

/** Why a finding matters and how it is mended. */
export interface Remedy {
  readonly why: string
  readonly mend: string
}

/** All is well. */
export function ok(name: string, message: string): Finding {
  return { name, status: 'ok', message, why: null, mend: null }
}

/** Something weakens the service. */
export function warn(name: string, message: string, { why, mend }: Remedy): Finding {
  return { name, status: 'warn', message, why, mend }
}

/** Something makes the service wrong or slow. */
export function error(name: string, message: string, { why, mend }: Remedy): Finding {
  return { name, status: 'error', message, why, mend }
}

/** A list for a message; what is beyond `most` is only counted. */
export function listed(items: readonly string[], most = 10): string {
  const shown = items.slice(0, most).join(', ')
  return items.length > most ? `${shown} and ${items.length - most} more` : shown
}

/** A number with its noun, as `1 route` or `2 routes`. */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : plural}`
}
