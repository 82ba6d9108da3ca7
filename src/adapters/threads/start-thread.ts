import { on } from 'node:events'
import { Worker } from 'node:worker_threads'

/** A thread at work. */
export interface Thread<Input, Message> {
  readonly send: (input: Input) => void
  /** What it tells, until it ends; rejects where it fails, also for want of memory. */
  readonly messages: AsyncIterable<Message>
  /** Ends it, whatever it does. */
  readonly stop: () => Promise<void>
}

/** How a thread is started. */
export interface ThreadOptions {
  /** Its module. */
  readonly entry: URL
  /** What it is to do. */
  readonly data: unknown
  /** Memory that it may hold, in MiB: a job that needs more fails by itself. */
  readonly memoryMb: number
  /** Ends it. */
  readonly signal: AbortSignal
}

/** Starts a thread, whose memory and whose faults are its own. */
export function startThread<Input, Message>(options: ThreadOptions): Thread<Input, Message> {
  const { data, entry, memoryMb, signal } = options
  const worker = new Worker(entry, {
    workerData: data,
    resourceLimits: { maxOldGenerationSizeMb: memoryMb },
    // A thread that shares the service's environment could tell it.
    env: {},
    execArgv: [],
  })
  // Everything from here on is kept for whoever reads the messages.
  const events = on(worker, 'message', { close: ['exit'], signal })
  const stop = async (): Promise<void> => {
    await worker.terminate()
  }
  const abort = (): void => void stop()
  signal.addEventListener('abort', abort, { once: true })
  worker.once('exit', () => signal.removeEventListener('abort', abort))
  worker.on('error', () => undefined) // told to whoever reads the messages
  if (signal.aborted) abort()
  return {
    send: (input) => worker.postMessage(input),
    messages: messagesOf(events),
    stop,
  }
}

async function* messagesOf<Message>(events: AsyncIterable<unknown>): AsyncGenerator<Message> {
  for await (const event of events) {
    const [message] = event as readonly [Message]
    yield message
  }
}
