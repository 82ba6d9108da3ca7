import { AppError } from '../domain/errors.ts'
import { createWorkerSlot, isReady, type WorkerSlot, type WorkerSlotDeps } from './worker-slot.ts'
import type { AskWorker, Order } from './worker-talk.ts'

/** A process as it is now; once it has ended, it answers nothing and cannot be ended again. */
export interface PoolWorker {
  readonly index: number
  /** It listens, and is not about to end. */
  readonly serving: boolean
  readonly ask: AskWorker
  readonly kill: (why: string) => void
}

/** A fixed number of processes, each at an address of its own. */
export interface WorkerPool {
  /**
   * Starts them; resolves with their addresses once all listen. Rejects where one of them cannot
   * start (`CONFIG_INVALID` where that is what it says): the others are still to be stopped.
   */
  readonly start: () => Promise<readonly string[]>
  /** Those that there are. */
  readonly workers: () => readonly PoolWorker[]
  /** The places of workers, whether they have a process just now or not. */
  readonly places: readonly Pick<WorkerSlot, 'address' | 'ask' | 'incarnation'>[]
  readonly tellAll: (order: Order<never>) => void
  /** Replaces one after another, each once all are ready; rejects where that does not come to be. */
  readonly replaceAll: () => Promise<void>
  /** All say NOT_SERVING. */
  readonly drain: () => void
  /** Ends all; resolves once none is left. */
  readonly stop: () => Promise<void>
}

/** What a pool rests on. */
export interface WorkerPoolDeps<Start> extends Omit<
  WorkerSlotDeps<Start>,
  'onChange' | 'onFailed'
> {
  readonly count: number
  /** Called once, when all are ready for the first time. */
  readonly onReady: () => void
}

/** How long a replacement may take until it is ready, in ms. */
const readyMs = 60_000

/** Makes a pool; nothing is started yet. */
export function createWorkerPool<Start>(deps: WorkerPoolDeps<Start>): WorkerPool {
  const { count, drainMs, schedule, stopMs } = deps
  const starting = Promise.withResolvers<readonly string[]>()
  const waiters = new Set<() => void>()
  let started = false
  let wasReady = false
  let closing = false
  let replacing = false
  const slots = Array.from({ length: count }, (_, index) =>
    createWorkerSlot<Start>(index, {
      ...deps,
      onDied(death) {
        if (started) deps.onDied(death)
        else starting.reject(new Error(`worker ${death.index} ended at its start: ${death.how}`))
      },
      onFailed(_index, { code, message }) {
        if (code === 'CONFIG_INVALID') starting.reject(new AppError(code, message))
      },
      onChange() {
        const addresses = slots.flatMap((slot) => slot.address() ?? [])
        if (addresses.length === count) {
          started = true
          starting.resolve(addresses)
        }
        if (!wasReady && allReady()) {
          wasReady = true
          deps.onReady()
        }
        for (const look of waiters) look()
      },
    }),
  )
  const allReady = (): boolean =>
    slots.every((slot) => slot.phase() === 'serving' && isReady(slot.state()))

  /** Resolves with whether it came to be in time. */
  function comes(isSo: () => boolean, withinMs: number): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const end = (outcome: boolean): void => {
      late.cancel()
      waiters.delete(look)
      resolve(outcome)
    }
    const look = (): void => {
      if (closing) end(false)
      else if (isSo()) end(true)
    }
    const late = schedule(() => end(false), withinMs)
    waiters.add(look)
    look()
    return promise
  }

  async function replaceOne(slot: WorkerSlot): Promise<void> {
    if (!(await comes(allReady, readyMs))) throw new Error('not all workers are ready')
    const before = slot.incarnation()
    slot.replace()
    const isReplaced = (): boolean => slot.incarnation() > before && allReady()
    if (await comes(isReplaced, drainMs + stopMs + readyMs)) return
    throw new Error(`worker ${slot.index} was replaced, and is not ready`)
  }

  function drain(): void {
    closing = true
    for (const slot of slots) slot.drain()
    for (const look of waiters) look()
  }

  return {
    start() {
      for (const slot of slots) slot.begin()
      return starting.promise
    },
    workers: () => slots.flatMap((slot) => workerIn(slot) ?? []),
    places: slots,
    tellAll(order) {
      for (const slot of slots) slot.tell(order)
    },
    async replaceAll() {
      if (replacing || closing) throw new Error('workers are being replaced or ended already')
      replacing = true
      try {
        for (const slot of slots) await replaceOne(slot)
      } finally {
        replacing = false
      }
    },
    drain,
    async stop() {
      drain()
      await Promise.all(slots.map((slot) => slot.stop()))
    },
  }
}

/** The process that a place has now, if it has one. */
function workerIn(slot: WorkerSlot): PoolWorker | undefined {
  const phase = slot.phase()
  if (phase === 'waiting' || phase === 'closed') return undefined
  const incarnation = slot.incarnation()
  const isStill = (): boolean => slot.incarnation() === incarnation
  return {
    index: slot.index,
    serving: phase === 'serving' || phase === 'draining',
    ask: (question, timeoutMs) =>
      isStill() ? slot.ask(question, timeoutMs) : Promise.resolve(undefined),
    kill: (why) => (isStill() ? slot.kill(why) : undefined),
  }
}
