import type { DecisionPosition } from '../../application/admin-decisions.ts'
import { AppError } from '../../domain/errors.ts'

/** Longest cursor that is looked at, in characters: a place may have a part for each worker. */
export const maxDecisionCursorLength = 1_900

const ofMemory = /^decisions:memory:([0-9a-f-]{1,40}):([0-9a-z.-]{1,1300})$/
const ofLog = /^decisions:log:(\d{1,15}):([0-9a-f]{1,64})$/

/** An opaque cursor for the decisions before a position. */
export function writeDecisionCursor(position: DecisionPosition): string {
  const text =
    position.source === 'memory'
      ? `decisions:memory:${position.process}:${position.place}`
      : `decisions:log:${position.offset}:${position.print}`
  return Buffer.from(text).toString('base64url')
}

/** The position of a cursor; throws `INPUT_INVALID` on anything not written here. */
export function readDecisionCursor(cursor: string): DecisionPosition {
  const text = Buffer.from(cursor, 'base64url').toString('latin1')
  const position = positionOf(text)
  // Written again it must be the same: no second spelling.
  if (position === undefined || writeDecisionCursor(position) !== cursor) {
    throw new AppError('INPUT_INVALID', 'the cursor is none that was given out')
  }
  return position
}

function positionOf(text: string): DecisionPosition | undefined {
  const [, process, place] = ofMemory.exec(text) ?? []
  if (process !== undefined && place !== undefined) return { source: 'memory', process, place }
  const [, offset, print] = ofLog.exec(text) ?? []
  if (print !== undefined) return { source: 'log', offset: Number(offset), print }
  return undefined
}
