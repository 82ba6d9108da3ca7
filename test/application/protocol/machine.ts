import type { Clock } from '../../../src/ports/clock.ts'
import type { Random } from './random.ts'
import type { Timeline } from './timeline.ts'

/** Where one start of a process hears from outside; a later start does not hear it. */
export interface Inbox {
  /** Hands a task over: now, or once the process runs again, behind others of its channel. */
  readonly deliver: (channel: string, task: () => void) => void
  /** A timer of the process. */
  readonly schedule: (task: () => void, afterMs: number) => { readonly cancel: () => void }
  readonly alive: () => boolean
}

/** The machine that a process runs on: its two clocks, and whether it runs at all. */
export interface Machine {
  readonly clock: Clock
  readonly boot: () => Inbox
  readonly pause: (options: { readonly asleep: boolean }) => void
  readonly wake: () => void
  readonly runs: () => boolean
  /** Sets the wall clock so far from the true time. */
  readonly setSkew: (ms: number) => void
  readonly skewMs: () => number
  /** When it last stood still, was started or had its clock set, in ms of true time. */
  readonly disturbedAtMs: () => number
}

interface Held {
  readonly channel: string
  readonly task: () => void
}

/** Makes a machine that runs. */
export function createMachine(deps: {
  readonly timeline: Timeline
  readonly random: Random
  readonly skewMs: number
}): Machine {
  const { random, timeline } = deps
  let { skewMs } = deps
  let starts = 0
  let standingSince: { readonly atMs: number; readonly asleep: boolean } | undefined
  let sleptMs = 0
  let disturbedAtMs = timeline.nowMs()
  const held: Held[] = []

  /** What came meanwhile comes in any order, but for what a connection keeps in order. */
  function drain(): void {
    if (standingSince !== undefined || held.length === 0) return
    const channel = random.pick(held).channel
    const at = held.findIndex((one) => one.channel === channel)
    const [next] = held.splice(at, 1)
    timeline.in(0, () => {
      next?.task()
      drain()
    })
  }

  return {
    clock() {
      const asleepMs = standingSince?.asleep === true ? timeline.nowMs() - standingSince.atMs : 0
      return {
        monotonicMs: timeline.nowMs() - sleptMs - asleepMs,
        wallMs: timeline.nowMs() + skewMs,
      }
    },
    boot() {
      const start = (starts += 1)
      disturbedAtMs = timeline.nowMs()
      const alive = (): boolean => start === starts
      const deliver = (channel: string, task: () => void): void => {
        if (!alive()) return
        const unlessGone = (): void => {
          if (alive()) task()
        }
        // Behind what is still held, so that no channel is overtaken by itself.
        const waits = standingSince !== undefined || held.some((one) => one.channel === channel)
        if (waits) held.push({ channel, task: unlessGone })
        else unlessGone()
      }
      return {
        alive,
        deliver,
        schedule: (task, afterMs) =>
          timeline.in(afterMs, () => deliver(`timer ${random.next()}`, task)),
      }
    },
    pause({ asleep }) {
      if (standingSince !== undefined) return
      standingSince = { atMs: timeline.nowMs(), asleep }
    },
    wake() {
      if (standingSince === undefined) return
      if (standingSince.asleep) sleptMs += timeline.nowMs() - standingSince.atMs
      standingSince = undefined
      disturbedAtMs = timeline.nowMs()
      drain()
    },
    runs: () => standingSince === undefined,
    setSkew(ms) {
      skewMs = ms
      disturbedAtMs = timeline.nowMs()
    },
    skewMs: () => skewMs,
    disturbedAtMs: () => (standingSince === undefined ? disturbedAtMs : timeline.nowMs()),
  }
}
