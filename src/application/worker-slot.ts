import type { StartWorkerProcess, WorkerProcess } from '../ports/worker-process.ts'
import { createWorkerAsking, type WorkerAsking } from './worker-asking.ts'
import type { AskWorker, News, Order, Schedule, WorkerState } from './worker-talk.ts'

/**
 * What a place does: `starting` until it listens, `draining` NOT_SERVING, `stopping` finishing what
 * is under way, `waiting` without a process before the next try, `closed` for good.
 */
export type SlotPhase = 'starting' | 'serving' | 'draining' | 'stopping' | 'waiting' | 'closed'

/** A place that has one process after another, never two. */
export interface WorkerSlot {
  readonly index: number
  readonly phase: () => SlotPhase
  /** Counts the processes that the place has had. */
  readonly incarnation: () => number
  /** Where its processes listen, from the first one that did on. */
  readonly address: () => string | undefined
  /** What it told last; undefined while it does not answer. */
  readonly state: () => WorkerState | undefined
  readonly ask: AskWorker
  readonly tell: (order: Order<never>) => void
  readonly begin: () => void
  /** Drains the process and puts another one in its place. */
  readonly replace: () => void
  /** Ends the process at once; another one follows. */
  readonly kill: (why: string) => void
  /** Says NOT_SERVING for good: no process follows the one that is there. */
  readonly drain: () => void
  /** Ends it in good order, or else after a time; resolves once nothing is there. */
  readonly stop: () => Promise<void>
}

/** How a process ended that nobody had told to. */
export interface WorkerDeath {
  readonly index: number
  readonly how: string
  /** When the next one is started. */
  readonly againInMs: number
}

/** What a place rests on. */
export interface WorkerSlotDeps<Start> {
  readonly startProcess: StartWorkerProcess<Order<Start>, News>
  /** What a process of the place is to start with; `address`: where those before it listened. */
  readonly startOf: (index: number, address: string | undefined) => Start
  readonly schedule: Schedule
  readonly monotonicNow: () => number
  /** Time between NOT_SERVING and the end, in ms. */
  readonly drainMs: number
  /** Time to finish what is under way, in ms. */
  readonly stopMs: number
  readonly onDied: (death: WorkerDeath) => void
  readonly onFailed: (index: number, news: Extract<News, { readonly type: 'failed' }>) => void
  readonly onFarewell: (index: number, metrics: string) => void
  /** A process of the place has ended, whatever it was. */
  readonly onEnded: (index: number) => void
  readonly onChange: () => void
}

/** A process that does not listen by then is ended, in ms. */
const startMs = 30_000
/** One that ends sooner than this has not worked; the next one waits, ever longer. */
const steadyMs = 10_000
const leastWaitMs = 100
const mostWaitMs = 10_000
/** How often a process is asked how it is, until it is ready and then. */
const eagerPulseMs = 100
const pulseMs = 1_000
/** What leaves so many questions unanswered stands still, and is ended. */
const mostMissed = 10

/** Makes a place without a process. */
export function createWorkerSlot<Start>(index: number, deps: WorkerSlotDeps<Start>): WorkerSlot {
  const { schedule } = deps
  let phase: SlotPhase = 'waiting'
  let incarnation = 0
  let current: { readonly process: WorkerProcess<Order<Start>>; asking: WorkerAsking } | undefined
  let address: string | undefined
  let state: WorkerState | undefined
  let begunMs = 0
  let failures = 0
  let missed = 0
  let closing = false
  let killedFor: string | undefined
  let timer: { readonly cancel: () => void } | undefined
  let pulseTimer: { readonly cancel: () => void } | undefined
  const closed = Promise.withResolvers<undefined>()

  function become(next: SlotPhase): void {
    phase = next
    if (next === 'closed') closed.resolve(undefined)
    deps.onChange()
  }

  function after(ms: number, task: () => void): void {
    timer?.cancel()
    timer = schedule(task, ms)
  }

  function begin(): void {
    incarnation += 1
    begunMs = deps.monotonicNow()
    missed = 0
    killedFor = undefined
    const process = deps.startProcess(index, { onNews: hear, onEnd: ended })
    const send = (id: number, question: Parameters<AskWorker>[0]): void =>
      process.tell({ type: 'ask', id, question })
    current = { process, asking: createWorkerAsking({ send, schedule }) }
    process.tell({ type: 'start', start: deps.startOf(index, address) })
    after(startMs, () => kill('it did not listen in time'))
    become('starting')
  }

  function hear(news: News): void {
    switch (news.type) {
      case 'listening':
        if (phase === 'starting') listens(news.address)
        return
      case 'answer':
        current?.asking.answered(news.id, news)
        return
      case 'leaving':
        replace()
        return
      case 'failed':
        killedFor = news.message
        deps.onFailed(index, news)
        return
      case 'farewell':
        deps.onFarewell(index, news.metrics)
    }
  }

  function listens(at: string): void {
    timer?.cancel()
    address ??= at
    if (closing) void ask({ kind: 'drain' }, deps.drainMs)
    become(closing ? 'draining' : 'serving')
    void pulse(incarnation)
  }

  /** Asks how it is, again and again, and ends what never answers. */
  async function pulse(of: number): Promise<void> {
    const told = await ask({ kind: 'state' }, pulseMs)
    if (of !== incarnation || current === undefined) return
    missed = told === undefined ? missed + 1 : 0
    state = told
    deps.onChange()
    if (missed >= mostMissed) kill('it does not answer')
    else pulseTimer = schedule(() => void pulse(of), isReady(state) ? pulseMs : eagerPulseMs)
  }

  function ended(how: string): void {
    const planned = phase === 'stopping'
    const livedMs = deps.monotonicNow() - begunMs
    current?.asking.close()
    current = undefined
    state = undefined
    timer?.cancel()
    pulseTimer?.cancel()
    deps.onEnded(index)
    if (closing) become('closed')
    else if (planned) begin()
    else {
      failures = livedMs < steadyMs ? failures + 1 : 0
      const againInMs = failures === 0 ? 0 : Math.min(leastWaitMs * 2 ** (failures - 1), mostWaitMs)
      after(againInMs, begin)
      become('waiting')
      deps.onDied({ index, how: killedFor === undefined ? how : `${how}: ${killedFor}`, againInMs })
    }
  }

  function kill(why: string): void {
    if (current === undefined) return
    killedFor ??= why
    current.process.kill()
  }

  function replace(): void {
    if (phase !== 'serving') return
    void ask({ kind: 'drain' }, deps.drainMs)
    after(deps.drainMs, finish)
    become('draining')
  }

  /** Ends the process in good order, and else at once. */
  function finish(): void {
    current?.process.tell({ type: 'stop' })
    after(deps.stopMs, () => kill('it did not end in time'))
    become('stopping')
  }

  function drain(): void {
    closing = true
    if (phase === 'waiting') {
      timer?.cancel()
      become('closed')
    } else if (phase === 'serving') {
      void ask({ kind: 'drain' }, deps.drainMs)
      become('draining')
    }
  }

  const ask: AskWorker = (question, timeoutMs) =>
    current?.asking.ask(question, timeoutMs) ?? Promise.resolve(undefined)

  return {
    ...{ index, ask, begin, kill, replace },
    phase: () => phase,
    incarnation: () => incarnation,
    address: () => address,
    state: () => state,
    tell: (order) => current?.process.tell(order),
    drain,
    async stop() {
      drain()
      if (phase === 'starting' || phase === 'draining') finish()
      await closed.promise
    },
  }
}

/** Whether requests should be sent to a worker. */
export function isReady(state: WorkerState | undefined): boolean {
  return state !== undefined && ['ready', 'degraded'].includes(state.report.status)
}
