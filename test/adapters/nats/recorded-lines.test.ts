import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { readRecordedLines } from '../../../src/adapters/nats/recorded-lines.ts'
import { startNats } from '../../../src/adapters/servers/nats.ts'
import { ensureWheels } from '../../../src/adapters/servers/wheels.ts'
import { changePublisher, type ChangePublisher } from '../../support/change-publisher.ts'
import { servers, uniqueName } from '../../support/servers.ts'

async function linesOf(
  subject: string,
  { since, url = servers().natsUrl }: { readonly since?: Date; readonly url?: string } = {},
): Promise<number[]> {
  const read: number[] = []
  for await (const chunk of readRecordedLines({ url, subject, since })) {
    read.push((JSON.parse(chunk.toString()) as { readonly n: number }).n)
  }
  return read
}

describe('the lines of a stream', () => {
  let owner: ChangePublisher
  beforeAll(async () => {
    owner = await changePublisher(servers().natsUrl)
  })
  afterAll(() => owner.close())

  async function stream(count: number, also: readonly string[] = []) {
    const name = uniqueName('RECORDED')
    const subject = `log.${name}`
    await owner.createStream({ name, subjects: [subject, ...also] })
    onTestFinished(async () => {
      await owner.streams.streams.delete(name)
    })
    const publish = async (from: number, to: number): Promise<void> => {
      for (let n = from; n < to; n++) await owner.store(subject, { n })
    }
    await publish(0, count)
    return { name, subject, publish }
  }
  const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index)

  it('come in their order, each with its end', async () => {
    const { subject } = await stream(1_500)
    expect(await linesOf(subject)).toEqual(upTo(1_500))
  })

  it('are none of an empty stream', async () => {
    const { subject } = await stream(0)
    expect(await linesOf(subject)).toEqual([])
  })

  it('are those of one subject, also where others came last', async () => {
    const other = uniqueName('other')
    const { subject } = await stream(3, [other])
    await owner.store(other, { n: -1 })
    expect(await linesOf(subject)).toEqual([0, 1, 2])
    expect(await linesOf(other)).toEqual([-1])
  })

  it('end where the stream ended when it was opened, although it goes on', async () => {
    const { subject } = await stream(0)
    // More than is on its way at once: the last of it is handed over after more has come.
    const padding = 'x'.repeat(100_000)
    for (let n = 0; n < 200; n++) await owner.store(subject, { n, padding })
    const lines = readRecordedLines({ url: servers().natsUrl, subject })
    const first = await lines.next()
    for (let n = 200; n < 210; n++) await owner.store(subject, { n })
    let rest = 0
    for await (const line of lines) rest += line.length > 0 ? 1 : 0
    expect([first.done, rest]).toEqual([false, 199])
  })

  it('are those since a moment', async () => {
    const { name, publish, subject } = await stream(3)
    const { time } = (await (await owner.streams.streams.get(name)).getMessage({ seq: 3 })) ?? {
      time: new Date(0),
    }
    await publish(3, 6)
    expect(await linesOf(subject, { since: new Date(time.getTime() + 1) })).toEqual([3, 4, 5])
  })

  it('cannot be read of a subject that no stream takes', async () => {
    await expect(linesOf(uniqueName('nobody'))).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('no JetStream stream takes nobody_') as string,
    })
  })
})

describe('a server that cannot be read from', () => {
  it('is unreachable', async () => {
    await expect(linesOf('log', { url: 'nats://127.0.0.1:1' })).rejects.toMatchObject({
      code: 'SERVER_UNAVAILABLE',
    })
  })

  it('is one that goes away in the middle, too', async () => {
    const server = await startNats({ binaries: await ensureWheels({}) })
    onTestFinished(() => server.stop())
    const owner = await changePublisher(server.url)
    await owner.createStream({ name: 'LOG', subjects: ['log'] })
    for (let n = 0; n < 2_000; n++) await owner.store('log', { n, padding: 'x'.repeat(20_000) })
    await owner.close()
    const lines = readRecordedLines({ url: server.url, subject: 'log' })
    await lines.next()
    await server.stop()
    const rest = async (): Promise<void> => {
      for await (const line of lines) expect(line.length).toBeGreaterThan(0)
    }
    await expect(rest()).rejects.toMatchObject({ code: 'SERVER_UNAVAILABLE' })
  })
})
