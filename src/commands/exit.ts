import { AppError } from '../domain/errors.ts'

/** Exit statuses, the same for every command (contract section 1). */
export const exit = { holds: 0, findings: 1, usage: 2, unreachable: 3 } as const

/** A command called wrongly: the message says how to call it. */
export class UsageError extends Error {}

/** The exit status that a fault ends a command with. */
export function exitStatusOf(error: unknown): number {
  if (error instanceof UsageError) return exit.usage
  if (error instanceof AppError) {
    switch (error.code) {
      case 'CONFIG_INVALID':
      case 'POLICY_INVALID':
      case 'INPUT_INVALID':
        return exit.usage
      case 'KEYS_UNAVAILABLE':
      case 'VERIFICATION_UNAVAILABLE':
      case 'FACTS_UNAVAILABLE':
      case 'DATABASE_UNAVAILABLE':
      case 'SERVER_UNAVAILABLE':
        return exit.unreachable
    }
  }
  return exit.findings
}
