import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { requestsFile } from './data-sets.ts'
import { WrongAnswer } from './recorder.ts'

const run = promisify(execFile)
const maxOutputBytes = 64 * 1024 * 1024

/** How many requests became what. */
export interface Verdicts {
  readonly allow: number
  readonly deny: number
  /** Denied with 503: it could not be decided. */
  readonly unavailable: number
  readonly failed: number
  readonly gave_up: number
}

/** Latency in µs. */
export interface Latency {
  readonly p50: number
  readonly p99: number
  readonly p999: number
  readonly max: number
}

/** What `bench/go/cmd/drive` tells of a run. */
export interface DriveReport {
  readonly seconds: number
  readonly perSecond: number
  /** CPU-µs of the servers for each answer. */
  readonly cpuUs: number
  /** Cores that the servers and the driver kept busy. */
  readonly serverUtil: number
  readonly driverUtil: number
  readonly rssMiB: number
  readonly peakMiB: number
  /** Connections that the server closed; an open loop goes on with others. */
  readonly reconnects: number
  readonly counts: Verdicts
  /** Of requests that were allowed or denied. */
  readonly answered: Latency
  /** Of those that were answered 503. */
  readonly refused: Latency
  readonly timeline?: readonly Moment[]
  /** Of the requests that came beside, counted apart. */
  readonly beside?: BesideReport
}

/** A short part of an open loop, by when requests were due. */
export interface Moment {
  readonly atMs: number
  readonly counts: Verdicts
  readonly p99: number
}

export interface BesideReport {
  readonly counts: Verdicts
  readonly answered: Latency
  readonly timeline?: readonly Moment[]
}

/** What the driver is told; names of flags are its own. */
export interface DriveOrder {
  readonly addresses: readonly string[]
  /** Name of a generated file of requests. */
  readonly requests: string
  readonly pids?: readonly number[]
  readonly expect?: 'allow' | 'deny'
  readonly flags?: Readonly<Record<string, string | number>>
}

function argumentsOf({ addresses, requests, pids, expect, flags }: DriveOrder): string[] {
  const given: Readonly<Record<string, string | number>> = {
    addr: addresses.join(','),
    payload: requestsFile(requests),
    ...(pids !== undefined && { pid: pids.join(',') }),
    ...(expect !== undefined && { expect }),
    ...flags,
  }
  return Object.entries(given).flatMap(([name, value]) => [`-${name}`, String(value)])
}

/** Asks, and says what came of it. Rejects where a verdict is wrong or a connection is lost. */
export async function drive(program: string, order: DriveOrder): Promise<DriveReport> {
  try {
    const { stdout } = await run(program, argumentsOf(order), { maxBuffer: maxOutputBytes })
    return JSON.parse(stdout) as DriveReport
  } catch (error) {
    const { stderr } = error as { readonly stderr?: string }
    if (stderr?.includes('expected only') === true) throw new WrongAnswer(stderr.trim())
    throw new Error(`the driver failed: ${stderr?.trim() ?? String(error)}`, { cause: error })
  }
}

const warmUpRequests = 10_000

/** Has a server answer so many that it runs as it will, however long that takes on a busy machine. */
export async function warmUp(program: string, order: DriveOrder): Promise<void> {
  await drive(program, { ...order, flags: { count: warmUpRequests, timeout: '2s' } })
}

/** Resolves with the ms from the call of `start` to the first allow of the server that it starts. */
export async function timeToFirstAllow<T>(
  program: string,
  order: DriveOrder,
  start: () => T | Promise<T>,
): Promise<{ readonly ms: number; readonly started: T }> {
  const args = [...argumentsOf({ ...order, expect: 'allow' }), '-once']
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
  const closed = once(child, 'close')
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  await lines.next() // it polls from now on
  const beganMs = performance.now()
  const started = await start()
  const { value } = (await lines.next()) as { readonly value?: string }
  const ms = performance.now() - beganMs
  await closed
  if (value !== 'answered') throw new Error(`the server did not come up: ${said.trim()}`)
  return { ms, started }
}
