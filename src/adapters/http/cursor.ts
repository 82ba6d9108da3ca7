import { AppError } from '../../domain/errors.ts'

/** Stands before a position, so that a cursor of another kind is never taken for one. */
const kind = 'user:'

/** Longest cursor that is looked at, in characters. */
export const maxCursorLength = 2_048

/** An opaque cursor for what comes after a user. */
export function writeCursor(userId: string): string {
  return Buffer.from(kind + userId).toString('base64url')
}

/** The user that a cursor stands after; throws `INPUT_INVALID` on anything not written here. */
export function readCursor(cursor: string): string {
  const text = Buffer.from(cursor, 'base64url').toString('utf8')
  const userId = text.slice(kind.length)
  // Written again it must be the same: of this kind, no second spelling, no bytes that are no text.
  if (writeCursor(userId) !== cursor || userId === '' || userId.includes('\0')) {
    throw new AppError('INPUT_INVALID', 'the cursor is none that was given out')
  }
  return userId
}
