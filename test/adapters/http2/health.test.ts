import { service } from 'grpc-health-check'
import { describe, expect, it } from 'vitest'
import { readService } from '../../../src/adapters/http2/health-messages.ts'
import { headersOf, dataOf, messageOf, requestFields, resetOf } from '../../support/http2-frames.ts'
import { openSession, type TestSession } from '../../support/http2-session.ts'

interface Codec {
  readonly requestSerialize: (value: object) => Buffer
  readonly responseDeserialize: (bytes: Buffer) => object
}
const codecOf = (method: 'Check' | 'Watch' | 'List'): Codec => service[method] as never

const request = (id: number, method: 'Check' | 'Watch' | 'List', message: object): Buffer =>
  Buffer.concat([
    headersOf(id, requestFields(`/grpc.health.v1.Health/${method}`)),
    dataOf(id, messageOf(codecOf(method).requestSerialize(message))),
  ])

/** The messages that were said on any stream, as grpc-health-check reads them. */
function messages({ take }: TestSession, method: 'Check' | 'Watch' | 'List'): object[] {
  return take()
    .filter(({ type }) => type === 0)
    .map(({ payload }) => codecOf(method).responseDeserialize(payload.subarray(5)))
}
const settled = (): Promise<unknown> => new Promise((resolve) => setImmediate(resolve))

describe('Check', () => {
  it.each(['', 'test.Echo'])('of %j says what was set', (name) => {
    const session = openSession()
    session.send(request(1, 'Check', { service: name }))
    expect(messages(session, 'Check')).toEqual([{ status: 'NOT_SERVING' }])
    session.health.setServing(true)
    session.send(request(3, 'Check', { service: name }))
    expect(messages(session, 'Check')).toEqual([{ status: 'SERVING' }])
  })

  it.each(['other', 'test.Echo ', 'toString', 'test.echo'])('of %j is not found', (name) => {
    const { send, said } = openSession()
    send(request(1, 'Check', { service: name }))
    expect(said()).toEqual(['HEADERS 1 200 grpc 5 end'])
  })

  it.each(['Check', 'Watch'])('refuses what is no message: %s', (method) => {
    const { send, said } = openSession()
    const fields = requestFields(`/grpc.health.v1.Health/${method}`)
    send(headersOf(1, fields), dataOf(1, messageOf(Buffer.of(10, 200))))
    expect(said()).toEqual(['HEADERS 1 200 grpc 13 end'])
  })
})

it('List names all services', () => {
  const session = openSession()
  session.health.setServing(true)
  session.send(request(1, 'List', {}))
  const status = { status: 'SERVING' }
  expect(messages(session, 'List')).toEqual([{ statuses: { '': status, 'test.Echo': status } }])
})

describe('Watch', () => {
  it('says the status, and each change', async () => {
    const session = openSession()
    session.send(
      request(1, 'Watch', { service: '' }),
      request(3, 'Watch', { service: 'test.Echo' }),
    )
    session.health.setServing(true)
    await settled()
    const [no, yes] = [{ status: 'NOT_SERVING' }, { status: 'SERVING' }]
    expect(messages(session, 'Watch')).toEqual([no, no, yes, yes])
  })

  it('of what is unknown says so, once', async () => {
    const session = openSession()
    session.send(request(1, 'Watch', { service: 'other' }))
    session.health.setServing(true)
    await settled()
    expect(messages(session, 'Watch')).toEqual([{ status: 'SERVICE_UNKNOWN' }])
  })

  it('ends with who watches, and counts no longer', async () => {
    const { send, session, said, health } = openSession()
    send(request(1, 'Watch', { service: '' }), request(3, 'Watch', { service: 'other' }))
    said()
    expect(session.connection.activeStreams).toBe(2)
    send(resetOf(1), resetOf(3))
    health.setServing(true)
    await settled()
    expect(said()).toEqual([])
    expect(session.connection.activeStreams).toBe(0)
  })

  it('waits for windows like any answer', async () => {
    const session = openSession({ settings: { 4: 0 } })
    session.send(request(1, 'Watch', { service: '' }))
    session.health.setServing(true)
    session.health.close()
    await settled()
    expect(session.said()).toEqual(['HEADERS 1 200'])
    session.send(Buffer.from('000004080000000001' + '0000ffff', 'hex'))
    expect(session.said()).toEqual(['DATA 1 14', 'HEADERS 1 grpc 14 end'])
  })

  it('ends with the server', async () => {
    const { send, said, health } = openSession()
    send(request(1, 'Watch', { service: '' }), request(3, 'Watch', { service: 'other' }))
    said()
    health.close()
    health.setServing(true)
    await settled()
    expect(said()).toEqual(['HEADERS 1 grpc 14 end', 'HEADERS 3 grpc 14 end'])
  })
})

describe('a HealthCheckRequest', () => {
  const text = (name: string): number[] => [10, name.length, ...Buffer.from(name)]
  it.each<[string, number[], string | undefined]>([
    ['that is empty', [], ''],
    ['with a service', text('abc'), 'abc'],
    ['with several: the last counts', [...text('abc'), ...text('de')], 'de'],
    ['with an empty one last', [...text('abc'), ...text('')], ''],
    ['with a long one', [10, 0xc8, 1, ...Buffer.alloc(200, 'a')], 'a'.repeat(200)],
    [
      'with other fields',
      [16, 150, 1, 25, 1, 2, 3, 4, 5, 6, 7, 8, 34, 2, 9, 9, ...text('a'), 45, 1, 2, 3, 4],
      'a',
    ],
    ['with a service of another type, which is another field', [8, 1, ...text('a')], 'a'],
    ['with a number of ten octets', [16, ...Array<number>(9).fill(255), 1, ...text('a')], 'a'],
    ['with a number of eleven', [16, ...Array<number>(10).fill(255), 1], undefined],
    ['that is cut off in a tag', [0x8a], undefined],
    ['that is cut off in a length', [10, 0x80], undefined],
    ['that is cut off in a service', [10, 4, 97, 98, 99], undefined],
    ['that is cut off in a fixed32', [21, 1, 2, 3], undefined],
    ['that is cut off in a fixed64', [17, 1, 2, 3, 4, 5, 6, 7], undefined],
    ['with a length of many', [10, 255, 255, 255, 255, 15], undefined],
    ['with a group', [11, 12], undefined],
    ['with field 0', [2, 1, 97], undefined],
    ['that is no UTF-8', [10, 1, 0xff], undefined],
  ])('%s', (_what, octets, service) => {
    const bytes = Buffer.from([255, ...octets, 10, 1, 97])
    expect(readService(bytes, 1, bytes.length - 3)).toBe(service)
  })
})
