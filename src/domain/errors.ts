/** Faults (never refusals) that cross a port, by stable code. */
export type ErrorCode =
  | 'KEYS_UNAVAILABLE'
  | 'VERIFICATION_UNAVAILABLE'
  | 'FACTS_UNAVAILABLE'
  | 'DATABASE_UNAVAILABLE'
  | 'CONFIG_INVALID'
  | 'POLICY_INVALID'
  | 'INPUT_INVALID'
  | 'SERVER_UNAVAILABLE'

/** A fault with a stable code and the error that caused it. */
export class AppError extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    this.name = 'AppError'
    this.code = code
  }
}
