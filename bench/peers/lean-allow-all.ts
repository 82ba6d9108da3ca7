import { startLeanServer } from '../../src/adapters/http2/server.ts'

/** Allows everything, on tenantgate's own transport: what that costs by itself. */
const header = (name: string, value: string): Buffer =>
  field(2, field(1, Buffer.concat([field(1, Buffer.from(name)), field(2, Buffer.from(value))])))

/** A length-delimited field; each of these is shorter than 128 bytes. */
function field(number: number, value: Buffer): Buffer {
  return Buffer.concat([Buffer.from([(number << 3) | 2, value.length]), value])
}

// CheckResponse: status OK, then ok_response with two headers.
const user = header('x-user-id', '0123456789abcdef0123456789abcdef')
const role = header('x-org-role', 'staff')
const answer = Buffer.concat([field(1, Buffer.alloc(0)), field(3, Buffer.concat([user, role]))])

await startLeanServer({
  listen: process.argv[2] ?? '127.0.0.1:9111',
  methods: new Map([
    [
      '/envoy.service.auth.v3.Authorization/Check',
      (call): void => call.reply(answer, answer.length),
    ],
  ]),
  services: ['envoy.service.auth.v3.Authorization'],
  maxMessageBytes: 1_048_576,
  drainMs: 0,
  monotonicNow: () => performance.now(),
  onFault(cause) {
    throw cause
  },
})
