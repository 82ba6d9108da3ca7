import { knownSubjects } from '../../domain/change-event.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Start } from './push-consumer.ts'
import type { Told } from './session.ts'
import { holesOf, type Position, vouchedSince } from './stream-history.ts'
import type { StreamLook } from './stream-look.ts'
import { intersection } from './subjects.ts'

/** What a session may claim of the past, and whether the stream still bears it out. */
export interface StreamPast {
  readonly start: Start
  /** Tells the beginning, or that nothing was missed. */
  readonly begin: () => void
  /**
   * Judges a new look at the stream: whether messages are gone that may not have been handed over.
   * @returns why the session has to begin anew, undefined where it need not.
   */
  readonly judge: (
    look: StreamLook,
    state: { readonly reached: number; readonly proved: boolean },
  ) => string | undefined
}

/** Opens the past of a session by its first look at the stream. */
export function createStreamPast(deps: {
  readonly first: StreamLook
  /** Where to resume; undefined to begin anew. */
  readonly resumeAt: Position | undefined
  /** When the session began, Unix time in ms, and how much it wants of what was before. */
  readonly startedMs: number
  readonly windowMs: number
  readonly marginMs: number
  readonly prefix: string
  readonly clock: Clock
  readonly told: Told
  readonly onGap: (message: string) => void
}): StreamPast {
  const { clock, first, marginMs, resumeAt, told } = deps
  const vouched = (look: StreamLook, fromMs: number) =>
    vouchedSince(look.info, { nowMs: clock().wallMs, fromMs, marginMs })
  let sinceMs = vouched(first, deps.startedMs - deps.windowMs)
  let before = first
  /** What was handed over at the last look, once all that was old is. */
  let reachedBefore: number | undefined

  /** While the past is replayed its oldest part may still go: then less of it can be vouched for. */
  function shorten(look: StreamLook): void {
    const laterMs = vouched(look, sinceMs)
    if (laterMs <= sinceMs) return
    sinceMs = laterMs
    told.began(sinceMs)
  }

  function isLost(look: StreamLook): boolean {
    const handedOver = reachedBefore ?? resumeAt?.sequence ?? Infinity
    const more = holesOf(look.info) > holesOf(before.info)
    return look.info.state.first_seq > handedOver + 1 || more
  }

  const unheard = unheardSubjects(first, deps.prefix)
  if (unheard.length > 0) deps.onGap(`the stream does not take ${unheard.join(', ')}`)
  return {
    // The server's clock may be ahead of ours or behind.
    start: resumeAt ? { sequence: resumeAt.sequence + 1 } : { timeMs: sinceMs - marginMs },
    begin() {
      if (resumeAt) told.resumed()
      else told.began(sinceMs)
    },
    judge(look, { reached, proved }) {
      if (look.info.created !== first.info.created) return 'the stream was made anew'
      if (String(look.filters) !== String(first.filters))
        return 'the subjects of the stream changed'
      const { first_seq } = look.info.state
      const changed =
        first_seq !== before.info.state.first_seq || holesOf(look.info) !== holesOf(before.info)
      if (changed && resumeAt === undefined && reachedBefore === undefined) shorten(look)
      else if (changed && isLost(look)) return 'the stream removed messages before they were read'
      before = look
      if (proved) reachedBefore = reached
      return undefined
    },
  }
}

/** The subjects of contract section 6 that a stream does not take: such changes would go unheard. */
function unheardSubjects({ filters }: StreamLook, prefix: string): readonly string[] {
  return knownSubjects
    .map((subject) => prefix + subject)
    .filter((subject) => !filters.some((filter) => intersection(filter, subject) !== undefined))
}
