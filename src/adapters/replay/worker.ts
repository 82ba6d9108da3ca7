import { parentPort, workerData } from 'node:worker_threads'
import { createPartReplay, type PartSettings } from './part-replay.ts'
import type { ThreadAnswer, ThreadRequest } from './replay-thread.ts'

/** The other end of `startThread`: replays what it is told to, one part after the other. */
const port = parentPort
if (port === null) throw new Error('this runs as a thread of a replay')
const parts = createPartReplay(workerData as PartSettings)
const answer = (message: ThreadAnswer): void => port.postMessage(message)

port.on('message', (request: ThreadRequest) => {
  if (request.kind === 'finish') {
    answer({ kind: 'tally', tally: parts.tally })
    port.close()
    return
  }
  const onRead = (bytes: number): void => answer({ kind: 'read', bytes })
  parts.run(request.job, onRead).then(
    (result) => answer({ kind: 'result', result }),
    (cause: unknown) => {
      throw cause // ends the thread, which its starter hears of
    },
  )
})
