import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { createCheckHandler } from '../src/adapters/envoy/check-handler.ts'
import { createBurst } from '../src/application/burst.ts'
import { keepObjectsYoung } from '../src/young-objects.ts'
import { loadedCheck } from '../test/support/loaded-check.ts'
import { createPipeline } from './micro-pipeline.ts'
import { createWorkload } from './micro-requests.ts'

/**
 * What a whole check of a known subject costs, from its message to its answer, without the transport: its
 * credential is recognised, it is decided, and the answer is written. CPU time of all threads, the
 * collector's too. Each message is put together before it is measured, as a transport has just read it.
 */
const subjects = Number(process.env['BENCH_PAIRS'] ?? 1_000)
const rounds = Number(process.env['BENCH_ROUNDS'] ?? 5)
const checks = Number(process.env['BENCH_DECISIONS'] ?? 200_000)
/** Checks that are read together. */
const perTurn = 64
/** From one subject to the next: far apart, so that none is in the processor's cache by chance. */
const stride = 7_919
const routes = 100

keepObjectsYoung()
const folder = mkdtempSync(join(tmpdir(), 'tenantgate-bench-'))
const { policy, request } = createWorkload(routes, subjects)

/** What of a message is its subject's; all of them are as long as the first's. */
interface Own {
  readonly path: string
  readonly authorization: string
}

function ownOf(subject: number): Own {
  const { header, path } = request(subject)
  return { path, authorization: header('authorization') ?? '' }
}

function messageOf({ authorization, path }: Own): Buffer {
  const headers = {
    ...{ ':authority': 'api.example.com', ':method': 'POST', ':path': path, ':scheme': 'https' },
    ...{ accept: 'application/json', 'accept-encoding': 'gzip, br', 'content-length': '42' },
    ...{ 'accept-language': 'en-GB,en;q=0.9', authorization, origin: 'https://app.example.com' },
    ...{ 'content-type': 'application/json', 'sec-fetch-dest': 'empty', 'sec-fetch-mode': 'cors' },
    'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0',
    ...{ 'x-forwarded-for': '203.0.113.139', 'x-forwarded-proto': 'https' },
    'x-request-id': 'e5bdefd9-fd25-4bc3-a232-61b1d86aede5',
  }
  const http = { id: '6046350455', method: 'POST', headers, path, host: 'api.example.com' }
  return loadedCheck.requestSerialize({
    attributes: { request: { http: { ...http, size: 42, protocol: 'HTTP/2' } } },
  } as never)
}

/** Messages in one piece of memory, as a transport hands them over; each may become another subject's. */
const first = ownOf(0)
const template = messageOf(first)
const memory = Buffer.concat(Array.from({ length: perTurn }, () => template))
const placesOf = (text: string): readonly number[] => {
  const places: number[] = []
  for (let at = template.indexOf(text); at !== -1; at = template.indexOf(text, at + 1))
    places.push(at)
  return places
}
const pathPlaces = placesOf(first.path)
const authorizationPlaces = placesOf(first.authorization)

function put(place: number, subject: number): void {
  const { authorization, path } = ownOf(subject)
  if (path.length !== first.path.length) throw new Error('a path of another length')
  if (authorization.length !== first.authorization.length)
    throw new Error('a token of another length')
  const start = place * template.length
  for (const at of pathPlaces) memory.write(path, start + at, 'latin1')
  for (const at of authorizationPlaces) memory.write(authorization, start + at, 'latin1')
}

const burst = createBurst()
const { batchClock, close, lookAhead, observed, recognise } = createPipeline('bare', {
  folder,
  policy,
  subjects,
})
const monotonicNow = (): number => performance.now()
let answered = 0
let octets = 0
const call = {
  timeoutMs: 1_000,
  reply(_bytes: Uint8Array, length: number) {
    answered += 1
    octets += length
  },
  onCancelled: undefined,
}
let denied = 0
const handle = createCheckHandler({
  check(asked, deadline) {
    const made = observed(asked, deadline)
    if (made instanceof Promise) return made
    if (made.decision.reason !== 'granted') denied += 1
    return made
  },
  refuse: () => 'refused',
  ...{ burst, batchClock, lookAhead, recognise },
  tenantHeaders: () => policy.tenantHeaders,
  ...{ untold: true, deadlineMs: 900, maxMessageBytes: 1024 * 1024, maxInFlight: 1_000 },
  ...{ monotonicNow, onFault: (cause) => console.error(cause) },
})

function cpuUs(): number {
  const { system, user } = process.cpuUsage()
  return user + system
}

let subject = 0
let spentUs = 0
/** One turn of so many checks; its cost is added to `spentUs`. */
async function turn(count: number, next: () => number): Promise<void> {
  for (let place = 0; place < count; place += 1) put(place, next())
  const due = answered + count
  const before = cpuUs()
  burst.begin()
  for (let place = 0; place < count; place += 1) {
    handle(call, memory, place * template.length, (place + 1) * template.length)
  }
  burst.end()
  spentUs += cpuUs() - before
  await nextTurn()
  while (answered < due) await nextTurn()
}

const heapBytes = (): number => {
  globalThis.gc?.()
  return process.memoryUsage().heapUsed
}

const residentBefore = process.memoryUsage().rss
const heapBefore = heapBytes()
// Everybody twice: a token that comes once leaves nothing in the index.
for (let pass = 0; pass < 3; pass += 1) {
  for (let known = 0; known < subjects; known += perTurn) {
    let at = known
    await turn(Math.min(perTurn, subjects - known), () => at++)
  }
}
if (globalThis.gc !== undefined) {
  const bytesPerSubject = Math.round((heapBytes() - heapBefore) / subjects)
  const residentPerSubject = Math.round((process.memoryUsage().rss - residentBefore) / subjects)
  console.log(JSON.stringify({ bytesPerSubject, residentPerSubject }))
}
if (denied > 0) throw new Error(`${denied} were denied`)

const all: number[] = []
for (let round = -1; round < rounds; round += 1) {
  spentUs = 0
  for (let asked = 0; asked < checks; asked += perTurn) {
    await turn(perTurn, () => (subject = (subject + stride) % subjects))
  }
  if (round >= 0) all.push(spentUs / checks) // the first is for the compiler
}
if (octets === 0 || denied > 0) throw new Error('not all were allowed')
all.sort((a, b) => a - b)
const us = (value = Number.NaN): number => Number(value.toFixed(3))
const cpu = { median: us(all[all.length >> 1]), best: us(all[0]) }
console.log(JSON.stringify({ name: 'check', routes, subjects, cpuUs: cpu }))
await close()
rmSync(folder, { recursive: true })
