import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startNats, type NatsServer } from '../../../src/adapters/servers/nats.ts'
import { ensureWheels } from '../../../src/adapters/servers/wheels.ts'
import { changePublisher } from '../../support/change-publisher.ts'
import { eventually, timed } from '../../support/eventually.ts'
import { testFolder } from '../../support/folder.ts'
import { contents, ids, logTo, record } from './open-decision-log.ts'

describe('a decision log to a server of its own', () => {
  async function server(args: readonly string[] = []): Promise<NatsServer> {
    const binaries = await ensureWheels({})
    const nats = await startNats({ binaries, args })
    onTestFinished(nats.close)
    return nats
  }

  async function owned(nats: NatsServer) {
    const owner = await changePublisher(nats.url)
    onTestFinished(owner.close)
    await owner.createStream({ name: 'LOG', subjects: ['log'] })
    return { owner, held: () => contents(owner, 'LOG') }
  }

  it(
    'that was stopped for a while misses nothing, in order and once',
    { timeout: 60_000 },
    async () => {
      const nats = await server()
      const { held } = await owned(nats)
      const { log, told, write } = logTo(nats.url, { subject: 'log' })
      await eventually(() => log.usage().writtenLines === 1)
      write(ids('before', 300)) // on their way, most unanswered, when the server goes
      await nats.stop()
      expect(write(ids('down', 2_000))).not.toContain(false)
      await nats.start()
      write(ids('after', 300))
      await eventually(() => log.usage().queuedBytes === 0, { withinMs: 20_000 })
      const { ids: all, policies } = await held()
      expect(all).toEqual([...ids('before', 300), ...ids('down', 2_000), ...ids('after', 300)])
      expect(policies.length).toBeGreaterThanOrEqual(2)
      expect([told.dropped, told.losses]).toEqual([0, []])
      expect(told.faults.length).toBeGreaterThan(0)
    },
  )

  it(
    'that is killed over and over while lines come misses none and has none twice',
    { timeout: 90_000 },
    async () => {
      const nats = await server()
      const { held } = await owned(nats)
      const { log, told, write } = logTo(nats.url, { subject: 'log' })
      let count = 0
      const writing = setInterval(() => {
        for (let more = 0; more < 5; more += 1) write([`a-${(count += 1) - 1}`])
      }, 2)
      onTestFinished(() => clearInterval(writing))
      for (let round = 0; round < 4; round += 1) {
        const written = log.usage().writtenLines
        await eventually(() => log.usage().writtenLines > written + 50, { withinMs: 20_000 })
        process.kill(nats.pid, 'SIGKILL')
        await nats.stop()
        await nats.start()
      }
      clearInterval(writing)
      await eventually(() => log.usage().queuedBytes === 0, { withinMs: 30_000 })
      const { ids: all } = await held()
      expect(all).toEqual(ids('a', count))
      expect(told.dropped).toBe(0)
    },
  )

  it(
    'that freezes and comes back has every line once, and nothing waits for it',
    { timeout: 60_000 },
    async () => {
      const nats = await server()
      const { held } = await owned(nats)
      const { log, write } = logTo(nats.url, { subject: 'log' })
      await eventually(() => log.usage().writtenLines === 1)
      const strict = logTo(nats.url, { subject: 'log', required: true })
      await eventually(() => strict.log.usage().writtenLines === 1)
      nats.pause()
      const begin = performance.now()
      write(ids('frozen', 3_000))
      expect(performance.now() - begin).toBeLessThan(1_000)
      // Longer than an acknowledgement may take: it is all sent again on another connection.
      await eventually(() => performance.now() - begin > 7_000, { withinMs: 10_000 })
      // It had nothing to say meanwhile, and has noticed all the same.
      expect(strict.log.decision(record('strict'))).toBe(false)
      nats.resume()
      await eventually(() => log.usage().queuedBytes === 0, { withinMs: 20_000 })
      expect((await held()).ids).toEqual(ids('frozen', 3_000))
    },
  )

  it('refuses and counts what does not fit while it is down; what it took arrives', async () => {
    const nats = await server()
    const { held } = await owned(nats)
    const { log, told, write } = logTo(nats.url, { subject: 'log', maxBytes: 20_000 })
    await eventually(() => log.usage().writtenLines === 1)
    await nats.stop()
    const taken = write(ids('a', 1_000))
    const fits = taken.indexOf(false)
    expect(fits).toBeGreaterThan(100)
    expect(told.dropped).toBe(taken.filter((one) => !one).length)
    expect(told.losses).toEqual(['begun'])
    log.policy('sha256:2', { version: 1 } as never)
    log.policy('sha256:3', { version: 1 } as never)
    await nats.start()
    await eventually(() => log.usage().queuedBytes === 0, { withinMs: 20_000 })
    const { ids: all, policies } = await held()
    expect(all).toEqual(ids('a', fits))
    expect(policies).toEqual(['sha256:1', 'sha256:1', 'sha256:2', 'sha256:3'])
  })

  it('that must be written refuses lines while the server is down, and takes them after', async () => {
    const nats = await server()
    await owned(nats)
    const { log } = logTo(nats.url, { subject: 'log', required: true })
    await eventually(() => log.decision(record('first')))
    await nats.stop()
    await eventually(() => !log.decision(record('down')))
    expect(log.decision(record('still down'))).toBe(false)
    await nats.start()
    await eventually(() => log.decision(record('again')), { withinMs: 10_000 })
  })

  it('whose messages are too small for the policy says how to replay, and takes the decisions', async () => {
    const config = join(testFolder(), 'nats.conf')
    writeFileSync(config, 'max_payload: 4096\n')
    const nats = await server(['--config', config])
    const { held } = await owned(nats)
    const { log, told } = logTo(nats.url, { subject: 'log' })
    log.policy('sha256:2', { padding: 'x'.repeat(5_000) } as never)
    expect(log.decision(record('one'))).toBe(true)
    await eventually(() => log.usage().queuedBytes === 0)
    expect(log.decision(record('two', 'x'.repeat(5_000)))).toBe(false)
    expect(told.faults.join()).toMatch(/the policy is not in the stream.*--recorded-policy/)
    expect((await held()).ids).toEqual(['one'])
    expect(told.dropped).toBe(1)
    const strict = logTo(nats.url, { subject: 'log', required: true })
    strict.log.policy('sha256:2', { padding: 'x'.repeat(5_000) } as never)
    await eventually(() => strict.log.decision(record('strict')))
  })

  it('that is not there does not keep the service from closing', async () => {
    const nats = await server()
    await nats.stop()
    const { log, told, write } = logTo(nats.url, { subject: 'log' })
    write(ids('a', 10))
    expect((await timed(log.close())).ms).toBeLessThan(3_000)
    expect(told.dropped).toBe(10)
  })
})
