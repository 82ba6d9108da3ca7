import { type Bench, type ScenarioResult, selected } from '../harness/bench.ts'
import { type Contestant, peers, type Running, tenantgates } from '../harness/contestants.ts'
import { assertCorrect } from '../harness/correctness.ts'
import { drive, timeToFirstAllow, warmUp, type DriveReport } from '../harness/drive.ts'
import { createRecorder } from '../harness/recorder.ts'
import { interleave } from '../harness/samples.ts'

const warm = '1500ms'
const openPerSecond = 2_000
/** Long enough that a busy machine does not turn answers into faults. */
const timeout = '2s'

type Values = Readonly<Record<string, number>>

/** The workload, asked directly: closed loops with 64 and 8 in flight, and an open loop. */
export async function load(bench: Bench): Promise<ScenarioResult> {
  const recorder = createRecorder(bench.tell)
  await bench.world.addSubjects('base')
  const all = selected(bench, [...tenantgates(bench), ...peers(bench)], recorder.leaveOut)
  await interleave(bench.rounds, all, (contestant) =>
    recorder.take(contestant.name, () => measureOne(bench, contestant)),
  )
  return recorder.result()
}

async function measureOne({ programs, seconds }: Bench, contestant: Contestant): Promise<Values> {
  const { addresses, start } = await contestant.prepare()
  let running: Running | undefined
  try {
    const { ms: startMs, started } = await timeToFirstAllow(
      programs.drive,
      { addresses, requests: 'W1' },
      () => (running = start()),
    )
    if (contestant.decides) await assertCorrect(addresses[0] ?? '')
    const ask = (flags: Readonly<Record<string, string | number>>): Promise<DriveReport> =>
      drive(programs.drive, {
        ...{ addresses, requests: 'W1000', pids: started.pids(), expect: 'allow' },
        flags: { warm, timeout, ...flags },
      })
    await warmUp(programs.drive, { addresses, requests: 'W1000' })
    const at64 = await ask({ d: `${seconds}s`, streams: 32 })
    const at8 = await ask({ d: `${seconds}s`, streams: 4 })
    const open = await ask({ open: `${openPerSecond}x${seconds * 1.5}s` })
    return { startMs, ...valuesOf(at64, at8, open) }
  } finally {
    await running?.stop()
  }
}

function valuesOf(at64: DriveReport, at8: DriveReport, open: DriveReport): Values {
  const undecided = [at64, at8, open].map(
    ({ counts }) => counts.failed + counts.gave_up + counts.unavailable,
  )
  return {
    cpu64: at64.cpuUs,
    cpu8: at8.cpuUs,
    cpuOpen: open.cpuUs,
    perSecond64: at64.perSecond,
    busy64: at64.serverUtil,
    p99At64: at64.answered.p99,
    p50Open: open.answered.p50,
    p99Open: open.answered.p99,
    p999Open: open.answered.p999,
    rssMiB: open.rssMiB,
    peakMiB: open.peakMiB,
    undecided: undecided.reduce((sum, n) => sum + n, 0),
  }
}
