import { fork } from 'node:child_process'
import type { Readable } from 'node:stream'
import type { News, Order } from '../../application/worker-talk.ts'
import type { StartWorkerProcess } from '../../ports/worker-process.ts'
import { readNews } from './messages.ts'

/** How processes are started. */
export interface StartProcessOptions {
  /** Their module. It gets no arguments, and ends by itself where it is run by anybody else. */
  readonly entry: URL
  /** Takes what a process writes to its standard output; undefined: it has this process's. */
  readonly output: ((index: number, stream: Readable) => void) | undefined
  /** Told of a message that is none. */
  readonly onFault: (cause: unknown) => void
}

/** Time to read what a process told before it ended, in ms. */
const lastWordsMs = 1_000
/** A debugger's port can be had once. */
const ofThisProcessAlone = /^--inspect|^--debug-port|^--cpu-prof|^--heap-prof/

/**
 * Starts processes that talk over a channel that only the two have. What they are to do goes over it
 * too, never by arguments, which every user of the machine can read.
 */
export function createStartProcess<Start>(
  options: StartProcessOptions,
): StartWorkerProcess<Order<Start>, News> {
  const { entry, onFault, output } = options
  return (index, { onEnd, onNews }) => {
    const child = fork(entry, [], {
      serialization: 'advanced', // a configuration has fields that are undefined
      stdio: ['ignore', output === undefined ? 'inherit' : 'pipe', 'inherit', 'ipc'],
      execArgv: process.execArgv.filter((argument) => !ofThisProcessAlone.test(argument)),
    })
    let ended = false
    const end = (how: string): void => {
      if (!ended) onEnd(how)
      ended = true
    }
    if (output !== undefined && child.stdout !== null) output(index, child.stdout)
    child.on('message', (message) => {
      const news = readNews(message)
      if (news === undefined) onFault(new Error(`worker ${index} sent what is no message`))
      else if (!ended) onNews(news)
    })
    child.on('error', (cause) => {
      onFault(cause)
      // Without a process there is no exit either.
      if (child.pid === undefined) end(`could not be started: ${cause.message}`)
    })
    child.on('exit', (code, signal) => {
      const how = signal === null ? `exited with status ${String(code)}` : `was ended by ${signal}`
      // What it told last may still be on its way. What it wrote is not waited for: who takes that
      // may stand still.
      if (!child.connected) end(how)
      else {
        const late = setTimeout(() => end(how), lastWordsMs)
        child.once('disconnect', () => {
          clearTimeout(late)
          end(how)
        })
      }
    })
    return {
      tell(order) {
        if (child.connected) child.send(order, undefined, {}, () => undefined)
      },
      kill: () => child.kill('SIGKILL'),
    }
  }
}
