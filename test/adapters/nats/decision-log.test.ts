import type { StreamConfig } from '@nats-io/jetstream'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { changePublisher, type ChangePublisher } from '../../support/change-publisher.ts'
import { eventually } from '../../support/eventually.ts'
import { servers, uniqueName } from '../../support/servers.ts'
import { contents, ids, logTo, record } from './open-decision-log.ts'

describe('a decision log to a JetStream stream', () => {
  let owner: ChangePublisher
  beforeAll(async () => {
    owner = await changePublisher(servers().natsUrl)
  })
  afterAll(() => owner.close())

  async function stream(config: Partial<StreamConfig> = {}) {
    const name = uniqueName('DECISIONS')
    const subject = `log.${name}`
    const create = () => owner.createStream({ name, subjects: [subject], ...config })
    onTestFinished(async () => {
      await owner.streams.streams.delete(name).catch(() => false)
    })
    return { name, subject, create, contents: () => contents(owner, name) }
  }

  it('holds the policy and then every decision, in order, each under its id', async () => {
    const { create, name, subject, contents: held } = await stream()
    await create()
    const { log, told, write } = logTo(servers().natsUrl, { subject })
    const written = ids('a', 2_500)
    expect(write(written)).not.toContain(false)
    await eventually(() => log.usage().queuedBytes === 0)
    expect(log.usage()).toEqual({
      ...{ queuedBytes: 0, writtenLines: 2_501, droppedLines: 0, rotations: 0 },
    })
    expect(await held()).toEqual({
      first: { type: 'policy', timestamp: 'now', policy: 'sha256:1', definition: { version: 1 } },
      ids: written,
      policies: ['sha256:1'],
    })
    const message = await (await owner.streams.streams.get(name)).getMessage({ seq: 2 })
    expect(message?.header.get('Nats-Msg-Id')).toBe('a-0')
    expect(told).toEqual({ dropped: 0, faults: [], losses: [] })
  })

  it('says by which policy again and again', async () => {
    const { create, subject, contents: held } = await stream()
    await create()
    logTo(servers().natsUrl, { subject, policyEveryMs: 20 })
    await eventually(async () => (await held()).policies.length > 3)
  })

  it('writes the last lines when it is closed', async () => {
    const { create, subject, contents: held } = await stream()
    await create()
    const { log, write } = logTo(servers().natsUrl, { subject })
    await eventually(() => log.usage().writtenLines === 1)
    write(ids('a', 700))
    await log.close()
    expect((await held()).ids).toEqual(ids('a', 700))
    expect(log.decision(record('late'))).toBe(false)
  })

  it('of two instances holds the lines of both, once', async () => {
    const { create, subject, contents: held } = await stream()
    await create()
    const one = logTo(servers().natsUrl, { subject })
    const other = logTo(servers().natsUrl, { subject })
    for (let index = 0; index < 500; index += 1) {
      one.write([`one-${index}`])
      other.write([`other-${index}`])
    }
    await one.log.close()
    await other.log.close()
    const { ids: all, policies } = await held()
    expect(all.filter((id) => String(id).startsWith('one'))).toEqual(ids('one', 500))
    expect(all.filter((id) => String(id).startsWith('other'))).toEqual(ids('other', 500))
    expect([all.length, policies.length]).toEqual([1_000, 2])
  })

  it('says that no stream takes the subject, and goes on once its owner has made one', async () => {
    const { create, subject, contents: held } = await stream()
    const { told, write, log } = logTo(servers().natsUrl, { subject })
    write(ids('a', 50))
    await eventually(() => told.faults.some((fault) => fault.includes('no stream takes')))
    await create()
    await eventually(() => log.usage().queuedBytes === 0)
    expect((await held()).ids).toEqual(ids('a', 50))
    expect(told.dropped).toBe(0)
  })

  it('keeps what a full stream refuses, and says so, until there is room', async () => {
    const {
      create,
      name,
      subject,
      contents: held,
    } = await stream({
      ...{ max_msgs: 20, discard: 'new' as never },
    })
    await create()
    const { told, write, log } = logTo(servers().natsUrl, { subject })
    write(ids('a', 60))
    await eventually(() => told.faults.some((fault) => fault.includes('maximum messages')))
    const seen: unknown[] = []
    while (seen.length < 60) {
      const { ids: some } = await held()
      seen.push(...some)
      await owner.streams.streams.purge(name)
      await eventually(async () => log.usage().queuedBytes === 0 || (await held()).ids.length > 0)
    }
    expect(new Set(seen)).toEqual(new Set(ids('a', 60)))
    expect([seen.length, told.dropped]).toEqual([60, 0])
  })

  it('gives up a line that the stream never takes, counts it, and goes on with the others', async () => {
    const { create, subject, contents: held } = await stream({ max_msg_size: 2_000 })
    await create()
    const { log, told } = logTo(servers().natsUrl, { subject })
    log.decision(record('one'))
    log.decision(record('two', 'x'.repeat(5_000)))
    log.decision(record('three'))
    await eventually(() => log.usage().queuedBytes === 0)
    expect((await held()).ids).toEqual(['one', 'three'])
    expect(told).toMatchObject({ dropped: 1, losses: ['begun'] })
    expect(told.faults[0]).toMatch(/a line is lost: message size exceeds maximum allowed/)
    expect(log.usage()).toMatchObject({ writtenLines: 3, droppedLines: 1 })
  })

  it('that must be written refuses lines until the stream is known to take them', async () => {
    const { create, subject } = await stream()
    const { log, told } = logTo(servers().natsUrl, { subject, required: true })
    expect(log.decision(record('early'))).toBe(false)
    await eventually(() => told.faults.some((fault) => fault.includes('no stream takes')))
    expect(log.decision(record('still'))).toBe(false)
    await create()
    await eventually(() => log.decision(record('now')))
  })
})
