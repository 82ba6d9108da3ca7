import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ServerStartError, startChild } from './child.ts'
import { type EnvoyConfigOptions, renderEnvoyConfig } from './envoy-config.ts'
import { isPortFree } from './ports.ts'
import { createTempDir } from './temp-dir.ts'

const run = promisify(execFile)

export interface EnvoyOptions extends EnvoyConfigOptions {
  /** Path of the executable. */
  readonly envoy: string
  /** Worker threads. Default 1. */
  readonly concurrency?: number
  /** Further arguments, as `['--component-log-level', 'ext_authz:debug']`. */
  readonly args?: readonly string[]
}

/** A line of the access log; the fields are those of envoy/envoy.yaml. */
export type AccessLogEntry = Readonly<Record<string, unknown>>

export interface EnvoyServer {
  readonly pid: number
  /** Where clients go: `http://127.0.0.1:PORT`. */
  readonly url: string
  readonly adminUrl: string
  /** The last access log lines. Envoy writes them with a delay of up to 0.1 s here. */
  readonly accessLog: () => readonly AccessLogEntry[]
  /** The end of all that it wrote. */
  readonly log: () => string
  readonly close: () => Promise<void>
}

const ACCESS_LOG_LINES = 1_000

function createAccessLog() {
  let partial = ''
  const entries: AccessLogEntry[] = []
  return {
    entries: () => [...entries],
    append: (text: string) => {
      const lines = (partial + text).split('\n')
      partial = lines.pop() ?? ''
      for (const line of lines) {
        if (line.startsWith('{')) entries.push(JSON.parse(line) as AccessLogEntry)
      }
      entries.splice(0, Math.max(0, entries.length - ACCESS_LOG_LINES))
    },
  }
}

/**
 * Envoy shares a TCP port with any other Envoy (SO_REUSEPORT) without a word: a port that was asked
 * for must be looked at first.
 */
async function assertFree(address: string | undefined): Promise<void> {
  if (address === undefined) return
  const colon = address.lastIndexOf(':')
  const port = Number(address.slice(colon + 1))
  if (port === 0 || (await isPortFree(port, address.slice(0, colon)))) return
  throw new ServerStartError(`Envoy cannot listen on ${address}: address already in use`, '')
}

/** @throws Error with Envoy's own words where it would refuse the configuration. */
export async function validateEnvoyConfig(envoy: string, yaml: string): Promise<void> {
  const scratch = await createTempDir('envoy')
  try {
    const file = join(scratch.path, 'envoy.yaml')
    await writeFile(file, yaml)
    await run(envoy, ['--mode', 'validate', '--log-level', 'error', '-c', file])
  } finally {
    await scratch.remove()
  }
}

async function isLive(addressFile: string): Promise<boolean> {
  const admin = await readFile(addressFile, 'utf8').catch(() => '')
  if (admin === '') return false
  const ready = await fetch(`http://${admin}/ready`)
  await ready.body?.cancel()
  return ready.ok
}

interface ListenerList {
  readonly listener_statuses: readonly {
    readonly local_address: { readonly socket_address: { readonly port_value: number } }
  }[]
}

async function listenerPort(adminUrl: string): Promise<number> {
  const response = await fetch(`${adminUrl}/listeners?format=json`)
  const { listener_statuses } = (await response.json()) as ListenerList
  const port = listener_statuses[0]?.local_address.socket_address.port_value
  if (port === undefined) throw new Error('Envoy has no listener')
  return port
}

/** Starts an Envoy with the repository's configuration. */
export async function startEnvoy(options: EnvoyOptions): Promise<EnvoyServer> {
  await Promise.all([assertFree(options.listen), assertFree(options.admin)])
  const scratch = await createTempDir('envoy')
  try {
    const config = join(scratch.path, 'envoy.yaml')
    const addressFile = join(scratch.path, 'admin')
    await writeFile(config, await renderEnvoyConfig(options))
    const accessLog = createAccessLog()
    const child = await startChild({
      name: 'Envoy',
      command: options.envoy,
      args: [
        ...['-c', config, '--admin-address-path', addressFile, '--log-level', 'warning'],
        ...['--concurrency', String(options.concurrency ?? 1), '--disable-hot-restart'],
        ...['--file-flush-interval-msec', '100', ...(options.args ?? [])],
      ],
      ready: () => isLive(addressFile),
      onStdout: accessLog.append,
    })
    const adminUrl = `http://${await readFile(addressFile, 'utf8')}`
    const port = await listenerPort(adminUrl).catch(async (error: unknown) => {
      await child.stop()
      throw error
    })
    return {
      pid: child.pid,
      url: `http://127.0.0.1:${port}`,
      adminUrl,
      accessLog: accessLog.entries,
      log: child.log,
      async close() {
        await child.stop()
        await scratch.remove()
      },
    }
  } catch (error) {
    await scratch.remove()
    throw error
  }
}
