import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { jetstreamManager, type StreamInfo } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { DecisionStreamUse } from '../../../src/adapters/nats/doctor-decisions.ts'
import {
  examineStream,
  streamCommand,
  type StreamUse,
} from '../../../src/adapters/nats/doctor-stream.ts'
import {
  examineAccess,
  natsPart,
  withoutNats,
  type NatsDoctorDeps,
} from '../../../src/adapters/nats/doctor.ts'
import { startNats } from '../../../src/adapters/servers/nats.ts'
import { ensureWheels } from '../../../src/adapters/servers/wheels.ts'
import { complaints, examinePart, findingOf, isDocumented } from '../../support/doctor.ts'
import { testFolder } from '../../support/folder.ts'
import { servers, uniqueName } from '../../support/servers.ts'
import { startTcpProxy } from '../../support/tcp-proxy.ts'

const binaries = await ensureWheels()
const second = 1e9
const cacheTtlMs = 300_000

const examine = (deps: Partial<NatsDoctorDeps> = {}) =>
  examinePart(
    natsPart({ url: servers().natsUrl, stream: undefined, prefix: undefined, cacheTtlMs, ...deps }),
  )

/** A prefix and a stream of the test's own: streams of one server may not share subjects. */
async function streamWith(config: Record<string, unknown> = {}) {
  const prefix = uniqueName('app')
  const stream = uniqueName('EVENTS')
  const nats = await connect({ servers: servers().natsUrl })
  const jsm = await jetstreamManager(nats)
  const subjects = ['member.>', 'user.>', 'organization.>'].map((one) => `${prefix}.${one}`)
  await jsm.streams.add({ name: stream, subjects, max_age: 610 * second, ...config })
  onTestFinished(async () => {
    await jsm.streams.delete(stream)
    await nats.close()
  })
  return { prefix, stream, jsm }
}

describe('NATS', () => {
  it('with a stream as it should be has no findings, and gets no consumer', async () => {
    const { jsm, prefix, stream } = await streamWith()
    const findings = await examine({ stream, prefix })
    expect(complaints(findings)).toEqual([])
    expect(findings.map(({ name }) => name).filter((name) => !isDocumented(name))).toEqual([])
    expect(findings).toHaveLength(12)
    expect((await jsm.streams.info(stream)).state.consumer_count).toBe(0)
  })

  it('without a stream is a warning, with the command that makes one', async () => {
    const findings = await examine({ prefix: 'app' })
    expect(complaints(findings)).toEqual(['warn nats.stream'])
    expect(findingOf(findings, 'nats.stream').mend).toMatch(
      /^nats stream add TENANTGATE --subjects "app\.member\.>,app\.user\.>,app\.organization\.>" .*--max-age 610s/,
    )
  })

  it('a stream that is not there', async () => {
    const findings = await examine({ stream: 'NOWHERE' })
    expect(complaints(findings)).toEqual(['error nats.stream'])
    expect(findingOf(findings, 'nats.stream').mend).toContain('nats stream add NOWHERE ')
  })

  it.each<[string, Record<string, unknown>, string]>([
    ['expires too soon', { max_age: 304 * second }, 'warn nats.stream.max_age'],
    ['is a work queue', { retention: 'workqueue' }, 'error nats.stream.retention'],
    ['keeps what somebody wants', { retention: 'interest' }, 'error nats.stream.retention'],
    ['keeps the last of each subject', { max_msgs_per_subject: 1 }, 'error nats.stream.limits'],
    ['is small', { max_msgs: 1_000 }, 'warn nats.stream.limits'],
    ['is small in bytes', { max_bytes: 1_000_000 }, 'warn nats.stream.limits'],
    ['is in memory', { storage: 'memory' }, 'warn nats.stream.replicas'],
  ])('a stream that %s', async (_title, config, expected) => {
    const { prefix, stream } = await streamWith(config)
    expect(complaints(await examine({ stream, prefix }))).toEqual([expected])
  })

  it('a stream of other subjects', async () => {
    const { prefix, stream } = await streamWith()
    const findings = await examine({ stream, prefix: `${prefix}_other` })
    expect(complaints(findings)).toEqual(['error nats.stream.subjects'])
    expect(findingOf(findings, 'nats.stream.subjects').message).toContain(
      `${prefix}_other.member.removed`,
    )
  })

  it('a stream that copies another', async () => {
    const { stream } = await streamWith()
    const copy = await streamWith({ subjects: undefined, sources: [{ name: stream }] })
    expect(complaints(await examine(copy))).toContain('error nats.stream.subjects')
  })

  it('nobody there', async () => {
    const findings = await examine({ url: 'nats://u:hunter2@127.0.0.1:1' })
    expect(complaints(findings)).toEqual(['error nats.reachable'])
    expect(findings[0]?.message).toMatch(/^nats 127\.0\.0\.1:1: /)
    expect(JSON.stringify(findings)).not.toContain('hunter2')
  })

  it('somebody there who says nothing', async () => {
    const proxy = await startTcpProxy(servers().natsUrl)
    onTestFinished(proxy.close)
    proxy.swallow()
    expect(complaints(await examine({ url: proxy.url }))).toEqual(['error nats.reachable'])
  })

  it('is told by itself where it is not configured', () => {
    expect(withoutNats).toMatchObject({ name: 'nats.configured', status: 'warn' })
    expect(isDocumented('nats.configured')).toBe(true)
  })
})

describe('a NATS with users', () => {
  async function withUsers(permissions: string, further = ''): Promise<string> {
    const file = join(testFolder(), 'nats.conf')
    writeFileSync(
      file,
      `${further}\nauthorization { users: [{ user: tg, password: "p@ss", permissions: { ${permissions} } }] }`,
    )
    const server = await startNats({ binaries, args: ['-c', file] })
    onTestFinished(server.close)
    return server.url.replace('nats://', 'nats://tg:p%40ss@')
  }

  it('who may not subscribe to some events', async () => {
    const url = await withUsers('subscribe: ["member.>", "organization.>", "_INBOX.>"]')
    const findings = await examine({ url })
    expect(complaints(findings)).toEqual(['error nats.subscribe', 'warn nats.stream'])
    expect(findingOf(findings, 'nats.subscribe').message).toBe('the server refuses user.>')
    const mended = await withUsers(
      findingOf(findings, 'nats.subscribe').mend?.replace(/^permissions: \{(.*)\}.*$/, '$1') ?? '',
    )
    expect(complaints(await examine({ url: mended }))).toEqual(['warn nats.stream'])
  })

  it('who may not ask about streams', async () => {
    const url = await withUsers('publish: ["nothing"]')
    const findings = await examine({ url, stream: 'EVENTS' })
    expect(complaints(findings)).toEqual(['error nats.stream'])
    expect(findingOf(findings, 'nats.stream').message).toMatch(/could not be checked/)
  })

  it('who gives another password', async () => {
    const url = (await withUsers('subscribe: ">"')).replace('p%40ss', 'hunter2')
    const findings = await examine({ url })
    expect(complaints(findings)).toEqual(['error nats.reachable'])
    expect(JSON.stringify(findings)).not.toContain('hunter2')
  })

  it('and small messages', async () => {
    const url = await withUsers('subscribe: ">"', 'max_payload: 1024')
    expect(complaints(await examine({ url }))).toEqual(['warn nats.payload', 'warn nats.stream'])
  })
})

describe('what a stream says', () => {
  const use: StreamUse = {
    ...{ stream: 'S', subjects: ['member.>', 'user.>', 'organization.>'] },
    ...{ cacheTtlMs, clustered: false },
  }
  const config = {
    ...{ subjects: use.subjects, retention: 'limits', discard: 'old', storage: 'file' },
    ...{ max_age: 305 * second, max_msgs: -1, max_bytes: -1, max_msg_size: -1 },
    ...{ max_msgs_per_subject: -1, num_replicas: 1 },
  }
  const told = (changes: object, more: Partial<StreamUse> = {}) =>
    complaints(
      examineStream(
        { config: { ...config, ...changes }, state: { messages: 0 } } as unknown as StreamInfo,
        { ...use, ...more },
      ),
    )

  it.each<[string, object, Partial<StreamUse>, readonly string[]]>([
    ['is enough', {}, {}, []],
    ['never expires', { max_age: 0 }, {}, []],
    ['everything', { subjects: ['>'] }, {}, []],
    ['in part with wildcards', { subjects: ['*.>'] }, {}, []],
    [
      'the events of today',
      {
        subjects: [
          'member.*',
          'member.role.changed',
          'user.*',
          'user.role.changed',
          'organization.*',
          'organization.role.changed',
        ],
      },
      {},
      ['warn nats.stream.subjects'],
    ],
    [
      'one level only',
      { subjects: ['member.*', 'user.*', 'organization.*'] },
      {},
      ['error nats.stream.subjects'],
    ],
    [
      'changed subjects',
      { subject_transform: { src: 'a', dest: 'b' } },
      {},
      ['error nats.stream.subjects'],
    ],
    ['one copy in a cluster', {}, { clustered: true }, ['warn nats.stream.replicas']],
    ['three copies in a cluster', { num_replicas: 3 }, { clustered: true }, []],
    ['a longer life of facts', {}, { cacheTtlMs: 600_000 }, ['warn nats.stream.max_age']],
  ])('%s', (_title, changes, more, expected) => {
    expect(told(changes, more)).toEqual(expected)
  })

  it('the command asks for twice the age that is needed', () => {
    expect(streamCommand('S', use.subjects, 60_000)).toContain('--max-age 130s')
  })
})

describe('an address', () => {
  it.each<[object, readonly string[]]>([
    [{ servers: ['127.0.0.1:4222'] }, []],
    [{ servers: ['n.example.com:4222'], tls: {}, user: 'u', pass: 'p' }, []],
    [{ servers: ['n.example.com:4222'], token: 't' }, ['warn nats.encryption']],
    [{ servers: ['127.0.0.1:4222', 'n.example.com:4222'], tls: {} }, ['warn nats.credentials']],
  ])('%o', (address, expected) => {
    expect(complaints(examineAccess(address as never))).toEqual(expected)
  })
})

describe('the stream of the decision log', () => {
  async function decisionStream(config: Record<string, unknown> = {}) {
    const subject = uniqueName('app.decisions')
    const minutes = 60 * second
    const { stream } = await streamWith({
      ...{ subjects: [subject], max_age: 90 * 24 * 60 * minutes, duplicate_window: 10 * minutes },
      ...config,
    })
    return { stream, subject }
  }
  const examineLog = async (
    subject: string,
    use: Partial<DecisionStreamUse> = {},
    url = servers().natsUrl,
  ) => {
    const decisions = { subject, required: false, policyBytes: 5_000, ...use }
    const findings = await examine({ url, decisions })
    return findings.filter(({ name }) => name.startsWith('nats.decisions'))
  }

  it('as it should be has no findings', async () => {
    const findings = await examineLog((await decisionStream()).subject)
    expect(complaints(findings)).toEqual([])
    expect(findings).toHaveLength(7)
    expect(findings.map(({ name }) => name).filter((name) => !isDocumented(name))).toEqual([])
  })

  it.each([
    [false, 'decisions are lost'],
    [true, 'every decision is denied'],
  ])('that is not there, the log being required: %s', async (required, effect) => {
    const findings = await examineLog(uniqueName('nowhere'), { required })
    expect(complaints(findings)).toEqual(['error nats.decisions'])
    expect(findings[0]?.why).toContain(effect)
    expect(findings[0]?.mend).toMatch(
      /^nats stream add DECISIONS --subjects nowhere.* --dupe-window/,
    )
  })

  it.each<[string, Record<string, unknown>, string]>([
    ['acknowledges nothing', { no_ack: true }, 'error nats.decisions.acknowledged'],
    ['is a work queue', { retention: 'workqueue' }, 'error nats.decisions.retention'],
    ['keeps what somebody wants', { retention: 'interest' }, 'error nats.decisions.retention'],
    [
      'forgets the policy',
      { max_age: 600 * second, duplicate_window: 600 * second },
      'warn nats.decisions.max_age',
    ],
    [
      'knows lines again for two minutes',
      { duplicate_window: 120 * second },
      'warn nats.decisions.duplicates',
    ],
    ['is in memory', { storage: 'memory' }, 'warn nats.decisions.limits'],
    [
      'refuses what is new when it is full',
      { max_bytes: 1_000_000, discard: 'new' },
      'warn nats.decisions.limits',
    ],
    ['takes short lines alone', { max_msg_size: 8_000 }, 'warn nats.decisions.size'],
  ])('that %s', async (_title, config, expected) => {
    const { subject } = await decisionStream(config)
    expect(complaints(await examineLog(subject))).toEqual([expected])
  })

  it('that is bounded otherwise is as somebody wants it', async () => {
    const { subject } = await decisionStream({ max_msgs: 10, max_bytes: 1_000 })
    expect(complaints(await examineLog(subject))).toEqual([])
  })

  it('whose server takes less than the policy, or that nobody may ask about', async () => {
    const { subject } = await decisionStream()
    const large = await examineLog(subject, { policyBytes: 2_000_000 })
    expect(complaints(large)).toEqual(['warn nats.decisions.size'])
    expect(large.at(-1)).toMatchObject({
      why: expect.stringContaining('--recorded-policy') as string,
    })
    const file = join(testFolder(), 'nats.conf')
    const user = '{ user: tg, password: p, permissions: { publish: ["app.>"] } }'
    writeFileSync(file, `jetstream {}\nauthorization { users: [${user}] }`)
    const server = await startNats({ binaries, args: ['-c', file] })
    onTestFinished(server.close)
    const url = server.url.replace('nats://', 'nats://tg:p@')
    expect(complaints(await examineLog('app.decisions', {}, url))).toEqual(['warn nats.decisions'])
  })
})
