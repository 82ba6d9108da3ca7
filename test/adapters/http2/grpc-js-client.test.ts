import {
  Client,
  credentials,
  Metadata,
  status,
  type CallOptions,
  type ClientOptions,
  type ServiceError,
} from '@grpc/grpc-js'
import { afterEach, expect, it } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import {
  startEchoServer,
  type EchoServer,
  type EchoServerOptions,
} from '../../support/http2-echo-server.ts'

let server: EchoServer
let client: Client
async function start(options: EchoServerOptions = {}, more: ClientOptions = {}): Promise<void> {
  server = await startEchoServer(options)
  client = new Client(server.address, credentials.createInsecure(), {
    'grpc.max_receive_message_length': -1,
    ...more,
  })
}
afterEach(async () => {
  client.close()
  await server.close()
  expect(server.faults.filter((fault) => !String(fault).includes('a bug of the handler'))).toEqual(
    [],
  )
})

const raw = (bytes: Buffer): Buffer => bytes
const anyOctets = (length: number): Buffer =>
  Buffer.from(Uint8Array.from({ length }, (_, at) => (at * 7 + length) & 255))

/** The message of the answer, or the code of its status. */
function call(
  method: string,
  message: Buffer,
  { metadata = new Metadata(), ...options }: CallOptions & { metadata?: Metadata } = {},
): Promise<Buffer | number> {
  return new Promise((resolve) => {
    const done = (error: ServiceError | null, answer?: Buffer): void =>
      resolve(error === null ? (answer ?? Buffer.alloc(0)) : error.code)
    client.makeUnaryRequest(`/test.Echo/${method}`, raw, raw, message, metadata, options, done)
  })
}

it.each([0, 1, 1_400, 16_379, 65_536, 200_000, 1_500_000])(
  'echoes a message of %d octets',
  async (length) => {
    await start()
    const answer = await call('Echo', anyOctets(length))
    expect(answer instanceof Buffer && answer.equals(anyOctets(length))).toBe(true)
  },
)

it('answers many calls at once, each with its own', async () => {
  await start({ limits: { maxConcurrentStreams: 50 } })
  const lengths = Array.from({ length: 500 }, (_, at) => at * 11)
  const answers = await Promise.all(lengths.map((length) => call('Echo', anyOctets(length))))
  expect(answers).toEqual(lengths.map(anyOctets))
})

it('answers over a connection on which much waits for windows', async () => {
  await start()
  const sizes = Array.from({ length: 30 }, () => Buffer.from([0, 1, 0x86, 0xa0])) // 100,000
  const answers = await Promise.all(sizes.map((size) => call('Size', size)))
  expect(answers.map((answer) => (answer as Buffer).length)).toEqual(sizes.map(() => 100_000))
})

it('is told how long the caller waits', async () => {
  await start()
  const asked = Number(await call('Timeout', Buffer.alloc(0), { deadline: Date.now() + 30_000 }))
  expect(asked).toBeGreaterThan(20_000)
  expect(asked).toBeLessThanOrEqual(30_000)
  expect(String(await call('Timeout', Buffer.alloc(0)))).toBe('Infinity')
})

it('hears of calls that are given up', async () => {
  await start()
  const late = Array.from({ length: 20 }, () =>
    call('Never', Buffer.alloc(0), { deadline: Date.now() + 300 }),
  )
  expect(await Promise.all(late)).toEqual(late.map(() => status.DEADLINE_EXCEEDED))
  await eventually(() => server.cancellations() === 20)
  expect(await call('Echo', anyOctets(9))).toEqual(anyOctets(9))
})

it('takes metadata of 40 kB, and hands over nothing where it is more than is announced', async () => {
  await start()
  const metadata = new Metadata()
  metadata.set('x-large', 'm'.repeat(40_000))
  expect(await call('Echo', anyOctets(9), { metadata })).toEqual(anyOctets(9))
  metadata.set('x-large', 'm'.repeat(131_072))
  expect(await call('Echo', anyOctets(9), { metadata })).toEqual(Buffer.alloc(0))
})

it.each([
  ['an unknown method', 'Missing', {}, status.UNIMPLEMENTED],
  ['a handler with a bug', 'Throw', {}, status.INTERNAL],
  ['what is compressed', 'Echo', { 'grpc.default_compression_algorithm': 2 }, status.UNIMPLEMENTED],
] as const)('%s is refused with its code', async (_what, method, options, code) => {
  await start({}, options)
  expect(await call(method, anyOctets(100))).toBe(code)
  expect(await call(method, anyOctets(100))).toBe(code)
})

it('finishes what is under way when it closes', async () => {
  await start()
  await call('Echo', Buffer.alloc(0))
  const late = Promise.all(
    Array.from({ length: 20 }, (_, at) => call('Late', Buffer.from([0, 0, 0, 100, at]))),
  )
  await call('Close', Buffer.alloc(0))
  expect(await late).toEqual(Array.from({ length: 20 }, (_, at) => Buffer.of(at)))
})
