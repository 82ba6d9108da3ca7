import { afterAll, beforeAll, expect, it } from 'vitest'
import { changePublisher, type ChangePublisher } from '../../support/change-publisher.ts'
import { recordingListener } from '../../support/recording-listener.ts'
import { servers, uniqueName } from '../../support/servers.ts'
import { until } from '../../support/poll.ts'
import { openFeed } from './open-feed.ts'

let publisher: ChangePublisher
beforeAll(async () => {
  publisher = await changePublisher(servers().natsUrl)
})
afterAll(() => publisher.close())

/** A feed, and with each message's body when its server took it. */
function opened(options: object) {
  const told = recordingListener()
  const heard: (readonly [string, number | undefined])[] = []
  openFeed({
    url: servers().natsUrl,
    listener: {
      ...told,
      message: (_subject, data, storedAtMs) =>
        void heard.push([Buffer.from(data).toString(), storedAtMs]),
    },
    ...options,
  })
  return { told, heard }
}

it('a stream tells when it took a message, but not of the past that it replays', async () => {
  const name = uniqueName('stream')
  const subjects = ['member.>', 'user.>', 'organization.>'].map((subject) => `${name}.${subject}`)
  await publisher.createStream({ name, subjects })
  await publisher.store(`${name}.member.removed`, 1)
  const storedMs = Date.now()
  await until(() => Date.now() > storedMs + 20, { what: 'another moment' })
  const { heard, told } = opened({ stream: name, prefix: name })
  await told.next('proved', { after: 0 })
  const beforeMs = Date.now()
  await publisher.store(`${name}.member.removed`, 2)
  await until(() => heard.length === 2, { what: 'both messages' })
  expect(heard[0]).toEqual(['1', undefined])
  const [, takenMs = 0] = heard[1] ?? []
  expect(takenMs).toBeGreaterThanOrEqual(beforeMs - 1)
  expect(takenMs).toBeLessThanOrEqual(Date.now())
})

it('core NATS does not know when', async () => {
  const prefix = uniqueName('core')
  const { heard, told } = opened({ prefix })
  await told.next('proved', { after: 0 })
  await publisher.publish(`${prefix}.user.banned`, 1)
  await until(() => heard.length === 1, { what: 'the message' })
  expect(heard).toEqual([['1', undefined]])
})
