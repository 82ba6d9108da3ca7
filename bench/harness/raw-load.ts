import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { cpuMicroseconds, familyOf } from '../process-usage.ts'
import type { RawOrder, RawReport } from './raw-load-process.ts'

/** A busy machine may take that long until code is compiled. */
const maxWarmMs = 10_000
const warmStepMs = 100

/** What a short run came to. */
export interface RawRun {
  /** CPU-µs of the server and its children for each answer. */
  readonly cpuUs: number
  readonly answered: number
}

/** Loads a server from a process of its own, without anything but Node; measures once it is warm. */
export async function rawRun(
  order: RawOrder & { readonly pid: number },
  { measureMs, warmAnswers }: { readonly warmAnswers: number; readonly measureMs: number },
): Promise<RawRun> {
  const { pid, ...told } = order
  const child = fork(join(import.meta.dirname, 'raw-load-process.ts'))
  const report = async (): Promise<RawReport> => {
    child.send('report')
    const [told] = (await once(child, 'message')) as [RawReport]
    return told
  }
  const used = (): number => familyOf(pid).reduce((sum, one) => sum + cpuMicroseconds(one), 0)
  try {
    child.send(told)
    const warmUntilMs = performance.now() + maxWarmMs
    do await pause(warmStepMs)
    while ((await report()).answered < warmAnswers && performance.now() < warmUntilMs)
    const [before, cpuBefore] = [await report(), used()]
    await pause(measureMs)
    const [after, cpuAfter] = [await report(), used()]
    const answered = after.answered - before.answered
    if (after.wrong > 0) throw new Error(`${after.wrong} answers were no allow`)
    if (answered === 0) throw new Error('no answers')
    return { cpuUs: (cpuAfter - cpuBefore) / answered, answered }
  } finally {
    child.kill()
    await once(child, 'close')
  }
}
