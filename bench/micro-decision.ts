import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Deadline } from '../src/application/deadline.ts'
import type { AccessRequest } from '../src/domain/request.ts'
import { keepObjectsYoung } from '../src/young-objects.ts'
import type { BatchClock } from '../src/ports/clock.ts'
import { createPipeline, type Kind } from './micro-pipeline.ts'
import { createWorkload } from './micro-requests.ts'

/**
 * What the decision of a known subject costs in process, beside reading its request: in CPU time of all
 * threads, with the collector's. `--expose-gc` tells what a subject takes in memory, too.
 */
const routes = Number(process.env['BENCH_ROUTES'] ?? 100)
const subjects = Number(process.env['BENCH_PAIRS'] ?? 1_000)
const rounds = Number(process.env['BENCH_ROUNDS'] ?? 5)
const checks = Number(process.env['BENCH_DECISIONS'] ?? 100_000)
const kinds = (process.env['BENCH_KINDS']?.split(',') ?? ['bare', 'kept', 'logged']) as Kind[]
/** Checks that are read together. */
const perTurn = 64
/** From one subject to the next: far apart, so that none is in the processor's cache by chance. */
const stride = 7_919

if (process.env['BENCH_PRETENURING'] === undefined) keepObjectsYoung()
const folder = mkdtempSync(join(tmpdir(), 'tenantgate-bench-'))
const { policy, request } = createWorkload(routes, subjects)
const never = new AbortController().signal
const closers: (() => Promise<void>)[] = []

function deadlineOf(): Deadline {
  const endMs = performance.now() + 1_000
  return {
    isLate: (nowMs = performance.now()) => nowMs > endMs,
    leftMs: () => endMs - performance.now(),
    signal: () => never,
  }
}

interface Ask {
  (asked: AccessRequest, deadline: Deadline): { readonly length: number }
  readonly batchClock?: BatchClock
}
/** Reads what every decision reads, so that what is left of the others is their own. */
const readOnly: Ask = (asked) => ({
  length: asked.path.length + (asked.header('authorization')?.length ?? 0),
})

async function warmed(kind: Kind): Promise<Ask> {
  const { batchClock, close, observed } = createPipeline(kind, { folder, policy, subjects })
  closers.push(close)
  const before = heapBytes()
  const burst = 1_000
  for (let first = 0; first < subjects; first += burst) {
    const some = Array.from(
      { length: Math.min(burst, subjects - first) },
      (_, more) => first + more,
    )
    await Promise.all(some.map(async (one) => observed(request(one), deadlineOf())))
    await nextTurn()
  }
  const bytes = Math.round((heapBytes() - before) / subjects)
  if (globalThis.gc !== undefined) console.log(JSON.stringify({ kind, bytesPerSubject: bytes }))
  const ask = (asked: AccessRequest, deadline: Deadline) => {
    const made = observed(asked, deadline)
    if (made instanceof Promise) throw new Error('a subject is not known')
    if (made.decision.reason !== 'granted') throw new Error(made.decision.reason)
    return { length: made.decisionId.length }
  }
  return Object.assign(ask, { batchClock })
}

function heapBytes(): number {
  globalThis.gc?.()
  return process.memoryUsage().heapUsed
}

function cpuUs(): number {
  const { system, user } = process.cpuUsage()
  return user + system
}

let subject = 0
async function round(ask: Ask): Promise<number> {
  const before = cpuUs()
  let characters = 0
  for (let asked = 0; asked < checks; asked += perTurn) {
    ask.batchClock?.begin()
    for (let read = 0; read < perTurn; read += 1) {
      characters += ask(request(subject), deadlineOf()).length
      subject = (subject + stride) % subjects
    }
    ask.batchClock?.end()
    await nextTurn()
  }
  if (characters === 0) throw new Error('nothing was asked')
  return (cpuUs() - before) / checks
}

const asks = new Map<string, Ask>([['reading', readOnly]])
for (const kind of kinds) asks.set(kind, await warmed(kind))
const measured = new Map([...asks.keys()].map((name) => [name, [] as number[]]))
for (let done = -1; done < rounds; done += 1) {
  for (const [name, ask] of asks) {
    const us = await round(ask)
    if (done >= 0) measured.get(name)?.push(us) // the first is for the compiler
  }
}
const medianOf = (all: readonly number[]): number =>
  all.toSorted((a, b) => a - b)[all.length >> 1] ?? Number.NaN
const reading = measured.get('reading') ?? []
for (const [name, all] of measured) {
  const [median, best] = [medianOf(all), Math.min(...all)]
  const less = name === 'reading' ? [0, 0] : [medianOf(reading), Math.min(...reading)]
  const us = { median: median - (less[0] ?? 0), best: best - (less[1] ?? 0) }
  const cpuUs = { median: Number(us.median.toFixed(3)), best: Number(us.best.toFixed(3)) }
  console.log(JSON.stringify({ name, routes, subjects, cpuUs }))
}
for (const close of closers) await close()
rmSync(folder, { recursive: true })
