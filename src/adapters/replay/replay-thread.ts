import { getCompileCacheDir } from 'node:module'
import { dirname } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { ReplayTally } from '../../application/replay-tally.ts'
import {
  createPartReplay,
  type PartJob,
  type PartResult,
  type PartSettings,
} from './part-replay.ts'

/** Replays parts one after the other, here or in a thread of its own. */
export interface ReplayThread {
  readonly run: (job: PartJob) => Promise<PartResult>
  /** What was counted; ends the thread. */
  readonly finish: () => Promise<ReplayTally>
  /** Ends it, whatever it does. */
  readonly stop: () => Promise<void>
}

/** What a thread is told. */
export type ThreadRequest =
  { readonly kind: 'run'; readonly job: PartJob } | { readonly kind: 'finish' }

/** What a thread tells. */
export type ThreadAnswer =
  | { readonly kind: 'read'; readonly bytes: number }
  | { readonly kind: 'result'; readonly result: PartResult }
  | { readonly kind: 'tally'; readonly tally: ReplayTally }

/** Told how many bytes were read. */
export type OnRead = (bytes: number) => void

/** Replays in this thread: what is small is done before another one has started. */
export function replayHere(settings: PartSettings, onRead: OnRead): ReplayThread {
  const parts = createPartReplay(settings)
  return {
    run: (job) => parts.run(job, onRead),
    finish: () => Promise.resolve(parts.tally),
    stop: () => Promise.resolve(),
  }
}

/** Source files run as they are, built ones as JavaScript: the thread's file ends like this one. */
const workerFile = new URL(`./worker${import.meta.url.slice(-3)}`, import.meta.url)
/** What a thread's heap may grow to, in MB: garbage is collected instead of left to pile up. */
const resourceLimits = { maxOldGenerationSizeMb: 192, maxYoungGenerationSizeMb: 24 }

/**
 * A thread takes compiled code from where this process does, which it would not by itself: otherwise
 * four fifths of its start are spent on compiling again.
 */
function environment(): NodeJS.ProcessEnv {
  const folder = getCompileCacheDir() // its last part is the version of Node.js
  return folder === undefined
    ? process.env
    : { ...process.env, NODE_COMPILE_CACHE: dirname(folder) }
}

/** Starts a thread. */
export function startThread(settings: PartSettings, onRead: OnRead): ReplayThread {
  const worker = new Worker(workerFile, {
    workerData: settings,
    resourceLimits,
    execArgv: [],
    env: environment(),
  })
  let waiting: PromiseWithResolvers<ThreadAnswer> | undefined
  const fail = (cause: unknown): void => waiting?.reject(cause)
  worker.on('error', fail)
  worker.on('exit', () => fail(new Error('a thread of the replay ended too soon')))
  worker.on('message', (answer: ThreadAnswer) => {
    if (answer.kind === 'read') onRead(answer.bytes)
    else waiting?.resolve(answer)
  })
  function ask(request: ThreadRequest): Promise<ThreadAnswer> {
    waiting = Promise.withResolvers<ThreadAnswer>()
    worker.postMessage(request)
    return waiting.promise
  }
  return {
    async run(job) {
      const answer = await ask({ kind: 'run', job })
      if (answer.kind !== 'result') throw new Error('a thread of the replay lost its way')
      return answer.result
    },
    async finish() {
      const answer = await ask({ kind: 'finish' })
      if (answer.kind !== 'tally') throw new Error('a thread of the replay lost its way')
      return answer.tally
    },
    async stop() {
      await worker.terminate()
    },
  }
}
