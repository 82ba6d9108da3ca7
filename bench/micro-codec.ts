import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { getHeapStatistics } from 'node:v8'
import { createCheckDecoder } from '../src/adapters/envoy/check-decoder.ts'
import { createCheckEncoder } from '../src/adapters/envoy/check-encoder.ts'
import { createCheckHandler } from '../src/adapters/envoy/check-handler.ts'
import type { Decision } from '../src/domain/evaluation.ts'
import type { UnaryCall } from '../src/ports/unary-call.ts'
import { rememberFact } from '../src/domain/remembered-fact.ts'
import { decide, factOf, policyWith, requestOf, tokenOf } from '../test/support/builders.ts'
import { loadedCheck } from '../test/support/loaded-check.ts'
import { fromCheckRequest } from '../test/support/plain-check-request.ts'
import { toCheckResponse } from '../test/support/plain-check-response.ts'

/**
 * What it costs to read a CheckRequest and to write a CheckResponse, beside proto-loader's way of doing it,
 * and beside the least that reading can cost: to make the strings that a decision needs. A message has about
 * 1.3 kB; `BENCH_MESSAGES` names a file of others, each after its length in four bytes.
 */
const rounds = Number(process.env['BENCH_ROUNDS'] ?? 5)
const subjects = 1_000
const id = '0198f0c2-7c1d-7abc-8def-0123456789ab'

const idText = (): string => randomBytes(24).toString('base64url')
const people = Array.from({ length: subjects }, () => ({
  organization: idText(),
  user: idText(),
  token: `Bearer ${[70, 250, 43].map((length) => randomBytes(length).toString('base64url').slice(0, length)).join('.')}`,
}))
type Person = (typeof people)[number]
const pathOf = ({ organization }: Person): string =>
  `/api/v1/organizations/${organization}/leave/${idText()}/approve?x=1`

function messageOf(person: Person): Buffer {
  const path = pathOf(person)
  const headers = {
    ...{ ':authority': 'api.example.com', ':method': 'POST', ':path': path, ':scheme': 'https' },
    ...{ accept: 'application/json', 'accept-encoding': 'gzip, br', 'content-length': '42' },
    ...{ 'accept-language': 'en-GB,en;q=0.9', authorization: person.token },
    ...{ 'content-type': 'application/json', origin: 'https://app.example.com' },
    ...{ 'sec-ch-ua-mobile': '?0', 'sec-fetch-dest': 'empty', 'sec-fetch-mode': 'cors' },
    'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0',
    ...{ 'x-app-version': '5.12.0', 'x-forwarded-for': '203.0.113.139' },
    ...{ 'x-forwarded-proto': 'https', 'x-request-id': 'e5bdefd9-fd25-4bc3-a232-61b1d86aede5' },
  }
  const address = { address: { socket_address: { address: '203.0.113.9', port_value: 51_234 } } }
  const http = { id: '6046350455', method: 'POST', headers, path, host: 'api.example.com' }
  return loadedCheck.requestSerialize({
    attributes: {
      ...{ source: address, destination: address },
      request: {
        time: { seconds: 1_795_219_200 },
        http: { ...http, size: 42, protocol: 'HTTP/2' },
      },
    },
  } as never)
}

function messages(): readonly Buffer[] {
  const file = process.env['BENCH_MESSAGES']
  if (file === undefined) return people.map(messageOf)
  const all: Buffer[] = []
  const bytes = readFileSync(file)
  for (let at = 0; at < bytes.length;) {
    const end = at + 4 + bytes.readUInt32BE(at)
    all.push(bytes.subarray(at + 4, end))
    at = end
  }
  return all
}

// All in one array, as a transport hands them over.
const each = messages()
const memory = Buffer.concat(each)
const ends: number[] = []
for (const { length } of each) ends.push((ends.at(-1) ?? 0) + length)
const count = each.length
const startOf = (index: number): number => ends[index - 1] ?? 0
const endOf = (index: number): number => ends[index] ?? 0

const policy = policyWith(
  [
    '{ name: leave.approve, match: "POST /api/v1/organizations/{organizationId}/leave/{leaveId}/approve", permission: leave:approve }',
  ],
  ['tenant: { path: organizationId }'],
)
const decisions: readonly Decision[] = people.map((person) =>
  decide(policy, requestOf(`POST ${pathOf(person)}`), {
    fact: rememberFact(factOf(['staff'])),
    token: tokenOf({ sub: person.user, organizationId: person.organization }),
  }),
)
const denied: Decision = decide(policy, requestOf('GET /nowhere'))
const decisionOf = (index: number): Decision => decisions[index % subjects] as Decision

let sink = 0
const decode = createCheckDecoder({ tenantHeaders: () => policy.tenantHeaders })
const decodeUntold = createCheckDecoder({
  tenantHeaders: () => policy.tenantHeaders,
  untold: true,
})
const encoder = createCheckEncoder()
const stranger = { ...factOf(['staff']), source: 'postgres' as const }
let asked = 0
const handle = createCheckHandler({
  check: () => ({ decision: decisionOf((asked += 1)), decisionId: id }),
  refuse: () => id,
  tenantHeaders: () => policy.tenantHeaders,
  ...{ deadlineMs: 100, maxMessageBytes: 1024 * 1024, maxInFlight: 1, monotonicNow: () => 1 },
  onFault: (cause) => console.error(cause),
})
const call: UnaryCall = {
  timeoutMs: 250,
  reply: (_bytes, length) => void (sink += length),
  onCancelled: undefined,
}

/** Each does its work once, for the message or decision of that number. */
const works: Readonly<Record<string, readonly [times: number, work: (index: number) => void]>> = {
  'strings alone': [
    200_000,
    (index) => {
      const start = startOf(index) + 400 // within the token
      sink += memory.toString('utf8', start, start + 300).length
      sink += memory.toString('utf8', start + 10, start + 115).length
      sink += memory.toString('utf8', start + 20, start + 56).length
    },
  ],
  decode: [
    200_000,
    (index) => {
      const request = decode(memory, startOf(index), endOf(index))
      sink += request.path.length + (request.header('authorization')?.length ?? 0)
    },
  ],
  'decode, untold': [
    200_000,
    (index) => void (sink += decodeUntold(memory, startOf(index), endOf(index)).path.length),
  ],
  encode: [200_000, (index) => void (sink += encoder.answer(decisionOf(index), id))],
  'encode, subject not prepared': [
    50_000,
    (index) => {
      const decision = decisionOf(index)
      const evaluation = { ...decision.evaluation, fact: stranger }
      sink += encoder.answer({ ...decision, evaluation }, id)
    },
  ],
  'encode a denial': [100_000, () => void (sink += encoder.answer(denied, id))],
  'handler around a decision': [
    100_000,
    (index) => handle(call, memory, startOf(index), endOf(index)),
  ],
  'proto-loader decode': [
    10_000,
    (index) => {
      const bytes = memory.subarray(startOf(index), endOf(index))
      sink += fromCheckRequest(loadedCheck.requestDeserialize(bytes)).path.length
    },
  ],
  'proto-loader encode': [
    10_000,
    (index) => {
      sink += loadedCheck.responseSerialize(toCheckResponse(decisionOf(index), id)).length
    },
  ],
}

const nanoseconds = new Map<string, number[]>()
const bytes = new Map<string, number>()
for (let round = 0; round <= rounds; round += 1) {
  for (const [name, [times, work]] of Object.entries(works)) {
    const before = process.cpuUsage()
    const allocated = getHeapStatistics().total_allocated_bytes
    for (let time = 0; time < times; time += 1) work(time % count)
    const { system, user } = process.cpuUsage(before)
    bytes.set(name, (getHeapStatistics().total_allocated_bytes - allocated) / times)
    if (round === 0) continue // code that is compiled
    const all = nanoseconds.get(name) ?? []
    all.push(((user + system) * 1_000) / times)
    nanoseconds.set(name, all)
  }
}
for (const [name, all] of nanoseconds) {
  all.sort((a, b) => a - b)
  console.log(
    JSON.stringify({
      ...{ name, bestNs: Math.round(all[0] ?? 0) },
      medianNs: Math.round(all[all.length >> 1] ?? 0),
      allocatedBytes: Math.round(bytes.get(name) ?? 0),
    }),
  )
}
if (sink === 0) throw new Error('nothing was done')
