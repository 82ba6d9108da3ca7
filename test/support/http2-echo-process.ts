import { fork } from 'node:child_process'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { startEchoServer } from './http2-echo-server.ts'

/** The echo server in a process of its own, for measurements of what it holds. */
export interface EchoProcess {
  readonly port: number
  /** Octets that it holds after a collection: of the heap, and outside of it. */
  readonly heldBytes: () => Promise<number>
  readonly close: () => void
}

export async function startEchoProcess(): Promise<EchoProcess> {
  const child = fork(import.meta.filename, { execArgv: [] })
  const answer = (): Promise<number> =>
    new Promise((resolve, reject) => {
      const onExit = (): void => reject(new Error('the server has ended'))
      child.once('exit', onExit)
      child.once('message', (value) => {
        child.off('exit', onExit) // else one stays behind with every answer
        resolve(Number(value))
      })
    })
  return {
    port: await answer(),
    heldBytes() {
      child.send('held')
      return answer()
    },
    close: () => void child.kill(),
  }
}

if (process.send !== undefined && process.argv[1] === import.meta.filename) {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const { port } = await startEchoServer()
  process.send(port)
  process.on('message', () => {
    collect()
    const { external, heapUsed } = process.memoryUsage()
    process.send?.(external + heapUsed)
  })
}
