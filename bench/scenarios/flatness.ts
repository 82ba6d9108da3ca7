import type { Bench, ScenarioResult } from '../harness/bench.ts'
import { type Contestant, type Running, tenantgateContestant } from '../harness/contestants.ts'
import { ensureData } from '../harness/data-sets.ts'
import { transports } from '../harness/transports.ts'
import { drive, type DriveReport, timeToFirstAllow } from '../harness/drive.ts'
import { createRecorder } from '../harness/recorder.ts'
import { interleave } from '../harness/samples.ts'

const openPerSecond = 2_000
/** Nothing is verified meanwhile: what that costs is measured by itself. */
const env = { TENANTGATE_CACHE_TTL: '1h', TENANTGATE_VERIFY_AFTER: '1h' }
/** Heap of a process that keeps so many subjects, in MB (docs/facts.md); Node's own bound does for fewer. */
const heapMbOf = (subjects: number): number => (subjects < 500_000 ? 0 : Math.ceil(subjects / 160))

/** One size of something that must not make a check dearer. */
interface Size {
  /** As `1,000 subjects`; the first of a dimension is what the others are held against. */
  readonly label: string
  readonly requests: string
  /** How many different ones there are; each is asked for twice before anything is measured. */
  readonly distinct: number
  readonly subjects?: string
  readonly routes?: number
  /** An open loop over so many connections; else a closed one with 64 in flight. */
  readonly connections?: number
}

const plural = (count: number, of: string): string =>
  `${count.toLocaleString('en')} ${of}${count === 1 ? '' : 's'}`

function sizesOf({ sizes }: Bench): readonly Size[] {
  const base = { requests: 'W1000', distinct: 1_000 }
  return [
    ...sizes.routes.map((routes) => ({
      ...{ label: plural(routes, 'route'), requests: `R${routes}`, distinct: 1_000, routes },
    })),
    ...sizes.subjects.map((count) => ({
      ...{ label: plural(count, 'subject'), requests: `S${count}`, distinct: count },
      subjects: `S${count}`,
    })),
    ...sizes.connections.map((connections) => ({
      ...{ ...base, label: plural(connections, 'connection'), connections },
    })),
    { ...base, label: 'no cookie' },
    { ...base, label: 'a cookie of 4 kB', requests: 'Wcookie' },
  ]
}

/** What a check costs as policies, subjects, connections and headers grow. */
export async function flatness(bench: Bench): Promise<ScenarioResult> {
  const { programs, sizes, world } = bench
  const recorder = createRecorder(bench.tell)
  await ensureData(programs.gen, [
    ...sizes.routes.map((n) => `routes=${n}` as const),
    ...sizes.subjects.map((n) => `subjects=${n}` as const),
  ])
  await world.addSubjects('base')
  for (const n of sizes.subjects) await world.addSubjects(`S${n}`)
  const all = transports.flatMap((transport) => sizesOf(bench).map((size) => ({ transport, size })))
  await interleave(bench.rounds, all, async ({ size, transport }) => {
    const server = `tenantgate, ${transport}`
    const name = `${server}: ${size.label}`
    if (!bench.takesPart(name) || recorder.isLeftOut(server)) return
    const { distinct, routes } = size
    const heapMb = heapMbOf(distinct)
    const contestant = tenantgateContestant(bench, {
      ...({ name, transport, log: 'off' } as const),
      env: {
        ...env,
        TENANTGATE_MAX_SUBJECTS: String(Math.max(65_536, Math.ceil(1.25 * distinct))),
        ...(heapMb > 0 && { NODE_OPTIONS: `--max-old-space-size=${heapMb}` }),
      },
      ...(routes !== undefined && { routes }),
    })
    if (contestant.leftOut !== undefined) recorder.leaveOut(server, contestant.leftOut)
    else await recorder.take(name, () => measureOne(bench, contestant, size))
  })
  return recorder.result()
}

async function measureOne(
  { programs, seconds }: Bench,
  contestant: Contestant,
  { connections, distinct, requests }: Size,
): Promise<Readonly<Record<string, number>>> {
  const { addresses, start } = await contestant.prepare()
  let running: Running | undefined
  try {
    const first = { addresses, requests }
    const begin = () => (running = start())
    const { started } = await timeToFirstAllow(programs.drive, first, begin)
    const order = { addresses, requests, pids: started.pids(), expect: 'allow' as const }
    const ask = (flags: Readonly<Record<string, string | number>>): Promise<DriveReport> =>
      drive(programs.drive, { ...order, flags: { timeout: '2s', warm: '1500ms', ...flags } })
    // Everybody is known from now on, and all is compiled. A token that comes once is not found by its bytes.
    for (let time = 0; time < 2; time += 1) {
      await ask({ count: Math.max(distinct, 10_000), streams: 16 })
    }
    const { cpuUs, perSecond, rssMiB } =
      connections === undefined
        ? await ask({ d: `${seconds}s`, streams: 32 })
        : await ask({ conns: connections, open: `${openPerSecond}x${seconds}s` })
    return { cpu: cpuUs, perSecond, rssMiB }
  } finally {
    await running?.stop()
  }
}
