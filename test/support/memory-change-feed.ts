import type { Instant } from '../../src/domain/instant.ts'
import type { ChangeFeed, ChangeFeedListener } from '../../src/ports/change-feed.ts'

/** A feed that tells what a test makes it tell, and no more than a feed may. */
export interface MemoryChangeFeed extends ChangeFeed {
  readonly begin: (sinceWallMs?: number) => void
  readonly resume: () => void
  /** Hands a message over; an object goes as JSON. Lost while the feed is broken. */
  readonly publish: (subject: string, body: unknown) => void
  /** Proves a moment, now if none is named. */
  readonly prove: (at?: Instant) => void
  readonly breakOff: (why?: string) => void
}

/** Makes a feed that has not begun. */
export function memoryChangeFeed(deps: {
  readonly listener: ChangeFeedListener
  readonly clock: () => Instant
}): MemoryChangeFeed {
  const { clock, listener } = deps
  let live = false
  let begun = false
  let closed = false

  function breakOff(why = 'the test broke it off'): void {
    if (live) listener.broke(why)
    live = false
  }

  return {
    begin(sinceWallMs = clock().wallMs) {
      if (closed) return
      live = true
      begun = true
      listener.began(sinceWallMs)
    },
    resume() {
      if (!begun) throw new Error('a feed that never began cannot resume')
      if (closed) return
      live = true
      listener.resumed()
    },
    publish(subject, body) {
      const data =
        body instanceof Uint8Array ? body : new TextEncoder().encode(JSON.stringify(body))
      if (live) listener.message(subject, data)
    },
    prove(at = clock()) {
      if (live) listener.proved(at)
    },
    breakOff,
    close() {
      breakOff('it was closed')
      closed = true
      return Promise.resolve()
    },
  }
}
