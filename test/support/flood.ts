import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { RawOrder, RawReport } from '../../bench/harness/raw-load-process.ts'

/** So many requests under way all the time, asked by a process of its own. */
export interface Flood {
  readonly report: () => Promise<RawReport>
  readonly stop: () => Promise<void>
}

const program = fileURLToPath(new URL('../../bench/harness/raw-load-process.ts', import.meta.url))

/** Floods a server with these messages, round robin: each answer is followed by the next request. */
export function startFlood(
  order: Omit<RawOrder, 'messages'> & { readonly messages: readonly Buffer[] },
): Flood {
  const child = fork(program)
  const messages = order.messages.map((message) => message.toString('base64'))
  child.send({ ...order, messages })
  return {
    async report() {
      child.send('report')
      const [report] = (await once(child, 'message')) as [RawReport]
      return report
    },
    async stop() {
      child.kill()
      await once(child, 'close')
    },
  }
}
