import type { Table } from './installation.ts'
import { batch, type Outbox, type OutboxDeps, type OutboxRow } from './outbox.ts'
import type { Publisher } from './publisher.ts'
import { messageOf, type Reporter } from './reporter.ts'

/** Publishes what is in the outbox until it is closed. */
export interface Relay {
  /** There may be something to publish; costs nothing to call often. */
  readonly wake: () => void
  readonly close: () => Promise<void>
}

export interface RelayDeps {
  readonly openOutbox: (deps: Omit<OutboxDeps, 'databaseUrl'>) => Promise<Outbox>
  readonly createPublisher: (onConnected: () => void) => Publisher
  readonly prefix: string
  /** Whose changes have to be recorded. */
  readonly tables: readonly Table[]
  readonly reporter: Reporter
}

/** Looks by itself this often, for what neither NOTIFY nor a hook told. */
const pollMs = 1_000
/** Triggers may be dropped at any time, an outbox that is missing may be made. */
const inspectMs = 30_000
const inspectAgainMs = 2_000
/** Another process publishes too: who handled the request goes first, the others see if it did. */
const deferMs = { least: 5, most: 30 }
const rivalsMs = 600_000

/** Starts at once, in the background. */
export function createRelay(deps: RelayDeps): Relay {
  const { prefix, reporter, tables } = deps
  let outbox: Outbox | undefined
  let closed = false
  let readable = false
  let inspectedMs = -Infinity
  let rivalSeenMs = -Infinity
  const bell = createBell()
  const publisher = deps.createPublisher(bell.ring)

  function onNotify(): void {
    const alone = performance.now() - rivalSeenMs > rivalsMs
    const { least, most } = deferMs
    if (alone) bell.ring()
    else setTimeout(bell.ring, least + Math.random() * (most - least))
  }

  async function connected(): Promise<Outbox> {
    if (outbox !== undefined) return outbox
    const opened = await deps.openOutbox({
      onNotify,
      onEnd() {
        outbox = undefined
        bell.ring()
      },
    })
    reporter.well('database', 'the database is there again')
    inspectedMs = -Infinity
    outbox = opened
    return opened
  }

  async function inspect(from: Outbox): Promise<void> {
    const nowMs = performance.now()
    if (nowMs - inspectedMs < (readable ? inspectMs : inspectAgainMs)) return
    const found = await from.faults(tables)
    inspectedMs = nowMs
    readable = found.readable
    if (found.messages.length > 0) reporter.problem('triggers', found.messages.join('. '))
    else reporter.well('triggers', 'all changes are recorded')
  }

  /** Once through the outbox; what was not accepted stays for the next time. */
  async function drain(from: Outbox): Promise<void> {
    let after = '0'
    for (;;) {
      if (closed || !publisher.connected()) return
      const rows = await from.read(after)
      const last = rows.at(-1)
      if (last === undefined) return
      const { answered, arrived } = await publisher.publish(
        rows.map((row) => withPrefix(prefix, row)),
      )
      if (!answered) return
      if ((await from.remove(arrived)) < arrived.length) rivalSeenMs = performance.now()
      if (rows.length < batch) return
      after = last.seq
    }
  }

  async function run(): Promise<void> {
    for (;;) {
      try {
        const from = await connected()
        await inspect(from)
        if (readable) await drain(from)
      } catch (error) {
        const gone = outbox
        outbox = undefined
        void gone?.close()
        if (!stopped()) {
          reporter.problem('database', `the outbox cannot be read: ${messageOf(error)}`)
          await bell.wait(pollMs / 5, { deaf: true })
        }
      }
      if (stopped()) return
      await bell.wait(pollMs)
    }
  }

  const stopped = (): boolean => closed
  const running = run()
  return {
    wake: bell.ring,
    async close() {
      closed = true
      bell.ring()
      await publisher.close()
      await running
      await outbox?.close()
    },
  }
}

const withPrefix = (prefix: string, row: OutboxRow): OutboxRow =>
  prefix === '' ? row : { ...row, subject: `${prefix}.${row.subject}` }

/** One waits; a ring while nobody does is not lost. */
function createBell() {
  let rung = false
  let wakeUp: (() => void) | undefined
  return {
    ring: (): void => {
      rung = true
      wakeUp?.()
    },
    /** Until it rings or the time is over; `deaf`: the time alone. */
    async wait(ms: number, { deaf = false } = {}): Promise<void> {
      if (!rung || deaf) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, ms)
          if (!deaf) {
            wakeUp = () => {
              clearTimeout(timer)
              resolve()
            }
          }
        })
        wakeUp = undefined
      }
      if (!deaf) rung = false
    },
  }
}
