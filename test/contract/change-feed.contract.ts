import { describe, expect, it, onTestFinished } from 'vitest'
import type { ChangeFeed, ChangeFeedListener } from '../../src/ports/change-feed.ts'
import { during } from '../support/eventually.ts'
import { recordingListener } from '../support/recording-listener.ts'

/** A feed with the means to publish to it and to break its connection. */
export interface FeedUnderTest {
  readonly feed: ChangeFeed
  /** Resolves once whoever publishes knows it arrived. */
  readonly publish: (subject: string, body: unknown) => Promise<void>
  /** Ends the connection; the feed is to come back by itself. */
  readonly interrupt: () => Promise<void>
  /** Gives a feed that proves nothing by itself its occasion to. */
  readonly mayProve: () => void
  readonly close: () => Promise<void>
}

/** What every ChangeFeed must keep to. */
export function changeFeedContract(
  open: (listener: ChangeFeedListener) => Promise<FeedUnderTest>,
): void {
  async function openFeed() {
    const told = recordingListener()
    const opened = await open(told)
    onTestFinished(async () => {
      await opened.feed.close()
      await opened.close()
    })
    const proved = async () => {
      const proof = told.provedNow()
      opened.mayProve()
      await proof
    }
    return { ...opened, told, proved }
  }

  describe('as a change feed', () => {
    it('begins before anything else, and proves moments that are not in the future', async () => {
      const { proved, told } = await openFeed()
      await proved()
      expect(told.heard[0]?.what).toBe('began')
      expect(told.of('began')[0]?.sinceWallMs).toBeLessThanOrEqual(Date.now())
      for (const { at, moment } of told.of('proved')) {
        expect(moment.monotonicMs).toBeLessThanOrEqual(at.monotonicMs)
      }
    })

    it('hands over what is published, as it is and in order, before it proves it', async () => {
      const { proved, publish, told } = await openFeed()
      await proved()
      const sent = ['member.removed', 'user.banned', 'organization.deleted', 'member.x.y']
      for (const [index, subject] of sent.entries()) await publish(subject, index)
      const publishedMs = performance.now()
      await publish('user.x', Uint8Array.of(0, 255))
      await proved()
      expect(told.messages().slice(0, 4)).toEqual(
        sent.map((subject, index) => `${subject} ${index}`),
      )
      expect(told.of('message')[4]?.data).toEqual(Uint8Array.of(0, 255))
      const proof = told.heard.findIndex(
        (one) => one.what === 'proved' && one.moment.monotonicMs >= publishedMs,
      )
      expect(
        told.heard.slice(0, proof).filter(({ what }) => what === 'message').length,
      ).toBeGreaterThanOrEqual(4)
    })

    it('tells a break once, then nothing until it has begun anew or resumed', async () => {
      const { interrupt, proved, told } = await openFeed()
      await proved()
      await interrupt()
      await proved()
      expect(told.outline()[1]).toBe('broke')
      expect(told.of('broke')).toHaveLength(1)
      const broke = told.heard.findIndex(({ what }) => what === 'broke')
      expect(['began', 'resumed']).toContain(told.heard[broke + 1]?.what)
    })

    it('tells nothing after it was closed', async () => {
      const { feed, mayProve, proved, publish, told } = await openFeed()
      await proved()
      await feed.close()
      expect(told.outline()).toEqual(['began', 'broke'])
      const { length } = told.heard
      await publish('member.removed', 1)
      await during(200, () => {
        mayProve()
        expect(told.heard).toHaveLength(length)
      })
    })
  })
}
