import type { Child } from './child.ts'
import { onFreePort } from './ports.ts'

/** A running server that tests may stop, start again and freeze. */
export interface Restartable {
  readonly pid: number
  readonly port: number
  /** The end of the running server's log. */
  readonly log: () => string
  /** Stops the server and keeps its port and its data. */
  readonly stop: () => Promise<void>
  /** Starts it again, same port, same data; nothing if it runs. */
  readonly start: () => Promise<void>
  /** Freezes the process (SIGSTOP): connections stay open, nothing answers. */
  readonly pause: () => void
  readonly resume: () => void
  /** Stops it and removes its data. */
  readonly close: () => Promise<void>
}

export interface RestartableOptions {
  /** Default: a free one. */
  readonly port: number | undefined
  readonly launch: (port: number) => Promise<Child>
  /** Runs at `close`, and if the first start fails. */
  readonly cleanUp: () => Promise<void>
}

async function firstStart({ port, launch, cleanUp }: RestartableOptions) {
  try {
    return await onFreePort(async (on) => ({ on, child: await launch(on) }), port)
  } catch (error) {
    await cleanUp()
    throw error
  }
}

export async function startRestartable(options: RestartableOptions): Promise<Restartable> {
  const first = await firstStart(options)
  const { on: port } = first
  let { child } = first
  let running = true

  async function stop() {
    running = false
    await child.stop()
  }

  return {
    get pid() {
      return child.pid
    },
    port,
    log: () => child.log(),
    stop,
    async start() {
      if (running) return
      child = await options.launch(port)
      running = true
    },
    pause: () => child.signal('SIGSTOP'),
    resume: () => child.signal('SIGCONT'),
    async close() {
      await stop()
      await options.cleanUp()
    },
  }
}
