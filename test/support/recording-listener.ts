import type { Instant } from '../../src/domain/instant.ts'
import type { ChangeFeedListener } from '../../src/ports/change-feed.ts'
import { until } from './poll.ts'

/** One call of a feed, and when it came. */
export type Heard = { readonly at: Instant } & (
  | { readonly what: 'began'; readonly sinceWallMs: number }
  | { readonly what: 'resumed' }
  | { readonly what: 'proved'; readonly moment: Instant }
  | {
      readonly what: 'message'
      readonly subject: string
      readonly text: string
      readonly data: Uint8Array
    }
  | { readonly what: 'broke'; readonly why: string }
)

type What = Heard['what']

/** A listener that writes down all it is told, and helps to wait for it. */
export interface RecordingListener extends ChangeFeedListener {
  readonly heard: readonly Heard[]
  readonly of: <W extends What>(what: W) => readonly Extract<Heard, { readonly what: W }>[]
  /** Subjects and bodies of the messages, as `subject body`. */
  readonly messages: () => readonly string[]
  /** What was told, proofs left out and messages as their subject. */
  readonly outline: () => readonly string[]
  /** Waits for more calls of a kind than there were. */
  readonly next: (
    what: What,
    options?: { readonly withinMs?: number; readonly after?: number },
  ) => Promise<void>
  /** Waits for a proof of a moment that is later than now. */
  readonly provedNow: (withinMs?: number) => Promise<void>
}

/** Both clocks of the process. */
export const systemClock = (): Instant => ({ monotonicMs: performance.now(), wallMs: Date.now() })

export function recordingListener(): RecordingListener {
  const heard: Heard[] = []
  const of = <W extends What>(what: W) =>
    heard.filter((one): one is Extract<Heard, { readonly what: W }> => one.what === what)
  return {
    heard,
    of,
    began: (sinceWallMs) => void heard.push({ what: 'began', sinceWallMs, at: systemClock() }),
    resumed: () => void heard.push({ what: 'resumed', at: systemClock() }),
    proved: (moment) => void heard.push({ what: 'proved', moment, at: systemClock() }),
    message(subject, data) {
      const text = Buffer.from(data).toString('utf8')
      heard.push({ what: 'message', subject, text, data: Uint8Array.from(data), at: systemClock() })
    },
    broke: (why) => void heard.push({ what: 'broke', why, at: systemClock() }),
    messages: () => of('message').map(({ subject, text }) => `${subject} ${text}`),
    outline: () =>
      heard
        .filter(({ what }) => what !== 'proved')
        .map((one) => (one.what === 'message' ? one.subject : one.what)),
    async next(what, { withinMs = 10_000, after = of(what).length } = {}) {
      await until(() => of(what).length > after, { what: `${what} after ${after}`, withinMs })
    },
    async provedNow(withinMs = 10_000) {
      const now = performance.now()
      const isLater = () => of('proved').some(({ moment }) => moment.monotonicMs >= now)
      await until(isLater, { what: 'a proof of now', withinMs })
    },
  }
}
