import type { Bench, ScenarioResult } from '../harness/bench.ts'
import { type Running, tenantgateContestant } from '../harness/contestants.ts'
import { holdToShare } from '../harness/cpu-share.ts'
import { ensureData, requestsFile } from '../harness/data-sets.ts'
import {
  type BesideReport,
  drive,
  type Moment,
  timeToFirstAllow,
  type Verdicts,
  warmUp,
} from '../harness/drive.ts'
import { transports } from '../harness/transports.ts'
import { createRecorder } from '../harness/recorder.ts'
import { interleave } from '../harness/samples.ts'

/** How much more is asked for than can be done. */
const factor = 3
/** So that the driver can ask for three times what the server can do. */
const share = 0.25
const overloadS = 4
const afterS = 2
const bucketMs = 50
const knownPerSecond = 2_000
/** Envoy's own, in the repository's configuration. */
const timeout = '250ms'
/** After an overload, what is answered within this is answered as ever. */
const calmUs = 20_000
const env = { TENANTGATE_JWKS: 'postgres', TENANTGATE_DEADLINE: '100ms' }

/**
 * More work than there is time for. `known`: three times as many checks of known subjects as can be
 * answered. `burst`: tokens that nobody has seen, three times as many as can be verified, beside
 * 2,000 checks a second of known subjects on the same connections, which is what is looked at.
 */
export async function overload(bench: Bench): Promise<ScenarioResult> {
  const { programs, sizes, world } = bench
  const recorder = createRecorder(bench.tell)
  await ensureData(programs.gen, [`burst=${sizes.burst}`])
  await world.addSubjects('base')
  const kinds = [
    ['known', known],
    ['burst', burst],
  ] as const
  const all = transports.flatMap((transport) =>
    kinds.map(([kind, measure]) => ({ transport, kind, measure })),
  )
  await interleave(bench.rounds, all, async ({ kind, measure, transport }) => {
    const name = `tenantgate, ${transport}: ${kind}`
    if (!bench.takesPart(name) || recorder.isLeftOut(name)) return
    const contestant = tenantgateContestant(bench, { name, transport, log: 'off', env })
    if (contestant.leftOut !== undefined) {
      recorder.leaveOut(name, contestant.leftOut)
      return
    }
    await recorder.take(name, async () => {
      const { addresses, start } = await contestant.prepare()
      let running: Running | undefined
      try {
        const begin = () => (running = start())
        const order = { addresses, requests: 'W1' }
        const { started } = await timeToFirstAllow(programs.drive, order, begin)
        return await measure(bench, addresses, started)
      } finally {
        await running?.stop()
      }
    })
  })
  return recorder.result()
}

type Values = Readonly<Record<string, number>>

async function known(
  { programs }: Bench,
  addresses: readonly string[],
  running: Running,
): Promise<Values> {
  const order = { addresses, requests: 'W1000', pids: running.pids() }
  await warmUp(programs.drive, order)
  const release = holdToShare(running.pids(), share)
  const closed = await drive(programs.drive, { ...order, flags: { d: '2s', warm: '500ms' } })
  const capacity = closed.perSecond
  const phases = [
    `${Math.round(capacity * factor)}x${overloadS}s`,
    `${Math.round(capacity / 2)}x${afterS}s`,
  ]
  const report = await drive(programs.drive, {
    ...order,
    flags: {
      ...{ open: phases.join(','), warm: '1ms', conns: 4, timeout },
      bucket: `${bucketMs}ms`,
    },
  })
  void release?.() // done when the server is stopped
  return { capacity, held: release === undefined ? 1 : share, ...valuesOf(report, capacity) }
}

async function burst(
  { programs, sizes }: Bench,
  addresses: readonly string[],
  running: Running,
): Promise<Values> {
  const order = { addresses, pids: running.pids(), requests: `B${sizes.burst}` }
  await warmUp(programs.drive, { addresses, requests: 'W1000' })
  // A tenth of the tokens says how many can be verified in a second; those of a file repeat only
  // once all were sent.
  const count = Math.round(sizes.burst / 10)
  const { perSecond: capacity } = await drive(programs.drive, { ...order, flags: { count } })
  const report = await drive(programs.drive, {
    ...order,
    flags: {
      ...{ open: `${Math.round(capacity * factor)}x${overloadS}s,1x${afterS}s`, warm: '1ms' },
      ...{ beside: `${knownPerSecond}:${requestsFile('W1000')}`, bucket: `${bucketMs}ms`, timeout },
      from: count, // the others are known by now
    },
  })
  const { beside } = report
  if (beside === undefined) throw new Error('the driver tells nothing of what came beside')
  return {
    capacity,
    floodAnswered: shareOf(report.counts, 'allow'),
    floodRefused: shareOf(report.counts, 'unavailable'),
    ...valuesOf(beside, undefined),
  }
}

const totalOf = (counts: Verdicts): number =>
  counts.allow + counts.deny + counts.failed + counts.gave_up + counts.unavailable
const shareOf = (counts: Verdicts, verdict: keyof Verdicts): number =>
  counts[verdict] / Math.max(1, totalOf(counts))

/** Of the time of the overload alone; with what came after it, how soon all was as ever. */
function valuesOf(report: BesideReport, capacity: number | undefined): Values {
  const timeline = report.timeline ?? []
  const during = timeline.filter(({ atMs }) => atMs < overloadS * 1_000)
  const sum = (verdict: keyof Verdicts): number =>
    during.reduce((total, { counts }) => total + counts[verdict], 0)
  const asked = during.reduce((total, { counts }) => total + totalOf(counts), 0)
  return {
    asked: asked / overloadS,
    ...(capacity !== undefined && { factor: asked / overloadS / capacity }),
    answered: sum('allow') / asked,
    answeredPerSecond: sum('allow') / overloadS,
    refused: sum('unavailable') / asked,
    lost: (sum('failed') + sum('gave_up')) / asked,
    wrong: sum('deny'),
    p50: report.answered.p50,
    p99: report.answered.p99,
    recoveryMs: recoveryMs(timeline),
  }
}

/** From the end of the overload until all is answered, and soon, to the end. */
export function recoveryMs(timeline: readonly Moment[]): number {
  const endMs = overloadS * 1_000
  const isCalm = ({ counts, p99 }: Moment): boolean =>
    counts.allow === totalOf(counts) && p99 <= calmUs
  const lastTrouble = timeline.findLast((moment) => moment.atMs >= endMs && !isCalm(moment))
  return lastTrouble === undefined ? 0 : lastTrouble.atMs + bucketMs - endMs
}
