import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startChild } from '../../src/adapters/servers/child.ts'
import { createTempDir } from '../../src/adapters/servers/temp-dir.ts'
import { servers } from './servers.ts'

/** An Envoy that runs a configuration as it was rendered, its ports free ones (`:0`). */
export interface RenderedEnvoy {
  readonly url: string
  readonly adminUrl: string
  readonly log: () => string
  readonly close: () => Promise<void>
}

interface Listeners {
  readonly listener_statuses: readonly {
    readonly local_address: { readonly socket_address: { readonly port_value: number } }
  }[]
}

export async function startRenderedEnvoy(yaml: string): Promise<RenderedEnvoy> {
  const scratch = await createTempDir('envoy')
  const [config, addressFile] = [join(scratch.path, 'envoy.yaml'), join(scratch.path, 'admin')]
  await writeFile(config, yaml)
  const child = await startChild({
    name: 'Envoy',
    command: servers().envoy,
    args: [
      ...['-c', config, '--admin-address-path', addressFile, '--log-level', 'warning'],
      ...['--concurrency', '1', '--disable-hot-restart'],
    ],
    async ready() {
      const admin = await readFile(addressFile, 'utf8').catch(() => '')
      if (admin === '') return false
      const ready = await fetch(`http://${admin}/ready`)
      await ready.body?.cancel()
      return ready.ok
    },
  })
  const adminUrl = `http://${await readFile(addressFile, 'utf8')}`
  const listeners = await fetch(`${adminUrl}/listeners?format=json`)
  const { listener_statuses } = (await listeners.json()) as Listeners
  const port = listener_statuses[0]?.local_address.socket_address.port_value ?? 0
  return {
    url: `http://127.0.0.1:${port}`,
    adminUrl,
    log: child.log,
    async close() {
      await child.stop()
      await scratch.remove()
    },
  }
}
