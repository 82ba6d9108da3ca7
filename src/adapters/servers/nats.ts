import { join } from 'node:path'
import type { ServerBinaries } from './binaries.ts'
import { startChild } from './child.ts'
import { LOOPBACK } from './ports.ts'
import { type Restartable, startRestartable } from './restartable.ts'
import { createTempDir } from './temp-dir.ts'

export interface NatsOptions {
  readonly binaries: Pick<ServerBinaries, 'natsServer'>
  /** Default: a free one. */
  readonly port?: number
  /** Further arguments, as `['--config', 'nats.conf']`. */
  readonly args?: readonly string[]
}

/** JetStream is on; its streams are on disk, so they outlive `stop` and `start`. */
export interface NatsServer extends Restartable {
  readonly url: string
}

/** Starts a single NATS server without authentication and TLS. */
export async function startNats(options: NatsOptions): Promise<NatsServer> {
  const { binaries, port, args = [] } = options
  const scratch = await createTempDir('nats')
  const launch = (on: number) =>
    startChild({
      name: `NATS on port ${on}`,
      command: binaries.natsServer,
      args: [
        ...['--addr', LOOPBACK, '--port', String(on), '--jetstream'],
        ...['--store_dir', join(scratch.path, 'jetstream'), ...args],
      ],
      ready: (log) => log.includes('Server is ready'),
      stopSignal: 'SIGINT',
    })
  const server = await startRestartable({ port, launch, cleanUp: scratch.remove })
  return Object.assign(server, { url: `nats://${LOOPBACK}:${server.port}` })
}
