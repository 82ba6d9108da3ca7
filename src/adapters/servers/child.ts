import { spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { forgetAtExit, killAtExit } from './reaper.ts'

export interface ChildOptions {
  /** What the server is called in error messages. */
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  readonly cwd?: string
  readonly uid?: number
  readonly gid?: number
  /** Polled until true. It gets the log so far: a line of the child's own cannot be another's. */
  readonly ready: (log: string) => boolean | Promise<boolean>
  /** How long to wait for `ready`. Default 20 s. */
  readonly startTimeoutMs?: number
  /** Default SIGTERM. */
  readonly stopSignal?: NodeJS.Signals
  /** How long to wait after `stopSignal` before SIGKILL. Default 5 s. */
  readonly stopTimeoutMs?: number
  readonly onStdout?: (text: string) => void
}

export interface Child {
  readonly pid: number
  /** The end of what the child wrote, stdout and stderr together. */
  readonly log: () => string
  /** Resolves when the child has ended, with how, in words. */
  readonly ended: Promise<string>
  readonly signal: (signal: NodeJS.Signals) => void
  readonly stop: () => Promise<void>
}

/** A server that did not come up; the message holds the end of its log. */
export class ServerStartError extends Error {
  override readonly name = 'ServerStartError'
  readonly log: string

  constructor(message: string, log: string, cause?: unknown) {
    super(log === '' ? message : `${message}\n--- end of its log ---\n${log.trimEnd()}`, { cause })
    this.log = log
  }
}

const LOG_CHARACTERS = 16_384
/** What is kept of the log until the server is ready: what says so may be followed by a long line. */
const STARTING_LOG_CHARACTERS = 1_048_576
const POLL_MS = 10

/** A string that keeps only its end. */
function createTail(limit: number) {
  let text = ''
  return {
    append: (more: string) => {
      text = (text + more).slice(-limit)
    },
    read: () => text,
  }
}

function launch(options: ChildOptions) {
  const { command, args, env, cwd, uid, gid } = options
  const tail = createTail(LOG_CHARACTERS)
  const starting = createTail(STARTING_LOG_CHARACTERS)
  let isReady = false
  const keep = (text: string): void => {
    tail.append(text)
    if (!isReady) starting.append(text)
  }
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    // Its own process group: a Ctrl-C in the terminal is for us, who stop servers in order.
    detached: true,
    ...(env && { env }),
    ...(cwd !== undefined && { cwd }),
    ...(uid !== undefined && { uid }),
    ...(gid !== undefined && { gid }),
  })
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    keep(text)
    options.onStdout?.(text)
  })
  child.stderr.setEncoding('utf8').on('data', keep)

  let end: string | undefined
  const ended = new Promise<string>((resolve) => {
    const finish = (how: string) => {
      if (child.pid !== undefined && end === undefined) forgetAtExit(child.pid)
      end ??= how
      resolve(end)
    }
    child.on('error', (error) => finish(`could not be started: ${error.message}`))
    // 'close', not 'exit': by then all its output has been read.
    child.on('close', (code, signal) =>
      finish(signal === null ? `exited with status ${String(code)}` : `was ended by ${signal}`),
    )
  })
  if (child.pid !== undefined) killAtExit(child.pid)
  return {
    child,
    tail,
    starting: starting.read,
    ready: () => (isReady = true),
    ended,
    end: () => end,
  }
}

type Launched = ReturnType<typeof launch>

async function stop({ child, ended, end }: Launched, options: ChildOptions): Promise<void> {
  if (end() !== undefined) return
  child.kill(options.stopSignal ?? 'SIGTERM')
  child.kill('SIGCONT') // one that is paused would not see the signal
  const kill = setTimeout(() => child.kill('SIGKILL'), options.stopTimeoutMs ?? 5_000)
  await ended
  clearTimeout(kill)
}

async function untilReady(launched: Launched, options: ChildOptions): Promise<void> {
  const { name, ready, startTimeoutMs = 20_000 } = options
  const deadline = performance.now() + startTimeoutMs
  let lastFault: unknown
  for (;;) {
    const how = launched.end()
    if (how !== undefined) throw new ServerStartError(`${name} ${how}`, launched.tail.read())
    try {
      if ((await ready(launched.starting())) && launched.end() === undefined) {
        launched.ready()
        return
      }
    } catch (fault) {
      lastFault = fault
    }
    if (performance.now() > deadline) {
      await stop(launched, options)
      const message = `${name} was not ready within ${startTimeoutMs} ms`
      throw new ServerStartError(message, launched.tail.read(), lastFault)
    }
    await sleep(POLL_MS)
  }
}

/**
 * Starts a server as a child process and waits until it is ready. It never outlives this process.
 * @throws ServerStartError if it ends or is not ready in time; it has been stopped then.
 */
export async function startChild(options: ChildOptions): Promise<Child> {
  const launched = launch(options)
  await untilReady(launched, options)
  const { child, tail, ended } = launched
  return {
    pid: child.pid ?? 0,
    log: tail.read,
    ended,
    signal: (signal) => void child.kill(signal),
    stop: () => stop(launched, options),
  }
}
