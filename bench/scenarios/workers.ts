import { cpus } from 'node:os'
import { type Bench, type ScenarioResult, selected } from '../harness/bench.ts'
import { type Running, tenantgateContestant } from '../harness/contestants.ts'
import { holdToShare } from '../harness/cpu-share.ts'
import { transports } from '../harness/transports.ts'
import { drive, timeToFirstAllow, warmUp } from '../harness/drive.ts'
import { createRecorder } from '../harness/recorder.ts'
import { interleave } from '../harness/samples.ts'

const counts = [1, 2]
/** Of a core, for each process: two of them and the driver fit on two cores. */
const share = 0.3

/**
 * One worker against two. A driver on the same two cores takes its part of them, so throughput alone
 * says little; so: CPU time of a check, over all processes of the instance, which is the same if
 * workers do not get in each other's way; and, where control groups can be used, throughput with
 * each process held to the same part of a core.
 */
export async function workers(bench: Bench): Promise<ScenarioResult> {
  const recorder = createRecorder(bench.tell)
  await bench.world.addSubjects('base')
  const serverCores = bench.serverCores === undefined ? undefined : `0-${cpus().length - 1}`
  const all = transports.flatMap((transport) =>
    counts.map((count) => {
      const name = `tenantgate, ${transport}, ${count} worker${count === 1 ? '' : 's'}`
      const variant = { name, transport, log: 'off', workers: count } as const
      return tenantgateContestant({ ...bench, serverCores }, variant)
    }),
  )
  await interleave(bench.rounds, selected(bench, all, recorder.leaveOut), (contestant) =>
    recorder.take(contestant.name, async () => {
      const { addresses, start } = await contestant.prepare()
      const running = start()
      try {
        for (const address of addresses) {
          const order = { addresses: [address], requests: 'W1' }
          await timeToFirstAllow(bench.programs.drive, order, () => undefined)
        }
        return await measureOne(bench, addresses, running)
      } finally {
        await running.stop()
      }
    }),
  )
  return recorder.result()
}

async function measureOne(
  { programs, seconds }: Bench,
  addresses: readonly string[],
  running: Running,
): Promise<Record<string, number>> {
  const pids = running.pids()
  const flags = { warm: '1500ms', d: `${seconds}s`, streams: 32, timeout: '2s' }
  const order = {
    ...{ addresses, requests: 'W1000', pids, expect: 'allow' as const },
    flags: { ...flags, conns: 2 * addresses.length },
  }
  await warmUp(programs.drive, order)
  const whole = await drive(programs.drive, order)
  const release = holdToShare(pids, share)
  if (release === undefined) return { cpu: whole.cpuUs, rssMiB: whole.rssMiB }
  try {
    const held = await drive(programs.drive, order)
    return { cpu: whole.cpuUs, rssMiB: whole.rssMiB, heldPerSecond: held.perSecond }
  } finally {
    void release() // done when the server is stopped
  }
}
