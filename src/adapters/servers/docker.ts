import { chmod, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTempDir } from './temp-dir.ts'

const IMAGES = {
  postgres: 'postgres:17',
  valkey: 'valkey/valkey:8',
  nats: 'nats:2',
  envoy: 'envoyproxy/envoy:v1.40.0',
} as const

interface Started {
  readonly url: string
  readonly close: () => Promise<void>
}

interface Container {
  readonly image: string
  readonly port: number
  readonly env?: Record<string, string>
  readonly command?: string[]
  readonly readyLog: RegExp
  /** How often the line comes: PostgreSQL's entry point starts the server twice. */
  readonly readyTimes?: number
  readonly toUrl: (address: string) => string
}

// Imported late: it takes 0.6 s to load and only a checkout has it.
async function loadTestcontainers() {
  try {
    return await import('testcontainers')
  } catch (cause) {
    throw new Error('SERVERS=docker needs the package testcontainers: run it in a checkout', {
      cause,
    })
  }
}

async function startContainer(container: Container): Promise<Started> {
  const { GenericContainer, Wait } = await loadTestcontainers()
  const { image, port, env = {}, command = [], readyLog, readyTimes = 1 } = container
  const started = await new GenericContainer(image)
    .withEnvironment(env)
    .withCommand(command)
    .withExposedPorts(port)
    .withWaitStrategy(Wait.forLogMessage(readyLog, readyTimes))
    .start()
  return {
    url: container.toUrl(`${started.getHost()}:${started.getMappedPort(port)}`),
    close: async () => {
      await started.stop()
    },
  }
}

export const startPostgresContainer = () =>
  startContainer({
    image: IMAGES.postgres,
    port: 5432,
    env: { POSTGRES_HOST_AUTH_METHOD: 'trust' },
    command: ['postgres', '-c', 'fsync=off'],
    readyLog: /database system is ready to accept connections/,
    readyTimes: 2,
    toUrl: (address) => `postgres://postgres@${address}/postgres`,
  })

export const startValkeyContainer = () =>
  startContainer({
    image: IMAGES.valkey,
    port: 6379,
    readyLog: /Ready to accept connections/,
    toUrl: (address) => `redis://${address}`,
  })

export const startNatsContainer = () =>
  startContainer({
    image: IMAGES.nats,
    port: 4222,
    command: ['--jetstream'],
    readyLog: /Server is ready/,
    toUrl: (address) => `nats://${address}`,
  })

/**
 * An executable that runs Envoy in a container, in this machine's network and with its temporary
 * folder, so that it can be used like a local one. Host networking: Linux only.
 */
export async function createEnvoyContainerScript(): Promise<Started> {
  const scratch = await createTempDir('envoy-docker')
  const path = join(scratch.path, 'envoy')
  const user = `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`
  const run = `docker run --rm --init --network host --user ${user} --entrypoint envoy`
  const script = `#!/bin/sh\nexec ${run} -v '${tmpdir()}:${tmpdir()}' ${IMAGES.envoy} "$@"\n`
  await writeFile(path, script)
  await chmod(path, 0o755)
  return { url: path, close: scratch.remove }
}
