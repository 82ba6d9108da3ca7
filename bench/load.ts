import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { LoadOrder, LoadReport } from './load-process.ts'

/** Requests from a process of their own. */
export interface Load {
  readonly latest: () => LoadReport
  /** Resolves when all were asked for once. */
  readonly done: Promise<void>
  readonly stop: () => Promise<void>
}

/** Starts to ask. */
export function startLoad(order: LoadOrder): Load {
  const child = fork(join(import.meta.dirname, 'load-process.ts'))
  const done = Promise.withResolvers<undefined>()
  let latest: LoadReport = { asked: 0, allowed: 0, failed: 0, done: false }
  child.on('message', (report) => {
    latest = report as LoadReport
    if (latest.done) done.resolve(undefined)
  })
  child.send(order)
  return {
    latest: () => latest,
    done: done.promise,
    async stop() {
      if (child.exitCode !== null) return
      child.kill()
      await once(child, 'exit')
    },
  }
}
