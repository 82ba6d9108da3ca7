import type { Answer, News, Order, Question } from '../../src/application/worker-talk.ts'
import type { StartWorkerProcess, WorkerProcessEvents } from '../../src/ports/worker-process.ts'

/** What a fake worker starts with. */
export interface FakeStart {
  readonly index: number
  readonly address: string | undefined
  readonly version: string
}

/** A process that does what a test says; by itself it does nothing. */
export interface FakeProcess {
  readonly index: number
  readonly start: FakeStart | undefined
  readonly orders: Order<FakeStart>[]
  readonly alive: () => boolean
  readonly tell: (news: News) => void
  readonly end: (how: string) => void
}

/** Processes that run nothing. */
export interface FakeWorkers {
  readonly startProcess: StartWorkerProcess<Order<FakeStart>, News>
  /** All that were ever started, the oldest first. */
  readonly all: readonly FakeProcess[]
  readonly living: (index?: number) => readonly FakeProcess[]
  /** Whether processes listen, answer and end when they are told to, by themselves. */
  healthy: boolean
}

/** Makes them; `answer` is how a healthy one answers, undefined: not at all. */
export function fakeWorkers(
  answer: (process: FakeProcess, question: Question) => Answer | undefined = () => undefined,
): FakeWorkers {
  const all: FakeProcess[] = []
  const living = (index?: number) =>
    all.filter((one) => one.alive() && (index === undefined || one.index === index))
  const workers: FakeWorkers = {
    all,
    living,
    healthy: true,
    startProcess(index, events) {
      if (living(index).length > 0) throw new Error(`two processes at place ${index}`)
      const process = fakeProcess(index, events)
      all.push(process)
      return {
        tell(order) {
          process.orders.push(order)
          if (!process.alive() || !workers.healthy) return
          queueMicrotask(() => obey(process, order))
        },
        kill: () => queueMicrotask(() => process.end('was ended by SIGKILL')),
      }
    },
  }
  function obey(process: FakeProcess, order: Order<FakeStart>): void {
    if (order.type === 'start') process.tell({ type: 'listening', address: `:${process.index}` })
    else if (order.type === 'stop') {
      process.tell({ type: 'farewell', metrics: '' })
      process.end('exited with status 0')
    } else if (order.type === 'ask') {
      const told = answer(process, order.question)
      if (told !== undefined) process.tell({ type: 'answer', id: order.id, ...told })
    }
  }
  return workers
}

function fakeProcess(index: number, events: WorkerProcessEvents<News>): FakeProcess {
  let alive = true
  const orders: Order<FakeStart>[] = []
  return {
    index,
    orders,
    get start() {
      return orders.flatMap((order) => (order.type === 'start' ? [order.start] : []))[0]
    },
    alive: () => alive,
    tell(news) {
      if (alive) events.onNews(news)
    },
    end(how) {
      if (!alive) return
      alive = false
      events.onEnd(how)
    },
  }
}

/** A state in which a worker is ready. */
export const readyState = (policy: string): Answer => ({
  kind: 'state',
  value: { report: { status: 'ready', components: {} }, policy },
})
