import type { ServerBinaries } from './binaries.ts'
import { startChild } from './child.ts'
import { LOOPBACK } from './ports.ts'
import { type Restartable, startRestartable } from './restartable.ts'
import { createTempDir } from './temp-dir.ts'

export interface ValkeyOptions {
  readonly binaries: Pick<ServerBinaries, 'valkeyServer'>
  /** Default: a free one. */
  readonly port?: number
  /** Further arguments, as `['--maxmemory', '64mb']`. */
  readonly args?: readonly string[]
}

/** Nothing is persisted: after `stop` and `start` it is empty. */
export interface ValkeyServer extends Restartable {
  readonly url: string
}

/** Starts a Valkey (Redis protocol) without password and TLS. */
export async function startValkey(options: ValkeyOptions): Promise<ValkeyServer> {
  const { binaries, port, args = [] } = options
  const scratch = await createTempDir('valkey')
  const launch = (on: number) =>
    startChild({
      name: `Valkey on port ${on}`,
      command: binaries.valkeyServer,
      args: [
        ...['--port', String(on), '--bind', LOOPBACK, '--dir', scratch.path],
        ...['--save', '', '--appendonly', 'no', ...args],
      ],
      ready: (log) => log.includes('Ready to accept connections'),
    })
  const server = await startRestartable({ port, launch, cleanUp: scratch.remove })
  return Object.assign(server, { url: `redis://${LOOPBACK}:${server.port}` })
}
