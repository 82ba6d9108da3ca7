import type { TestProject } from 'vitest/node'
import { obtainServers } from '../../src/adapters/servers/obtain.ts'

/** A server that cannot be had fails the run: nothing is skipped. */
export default async function setup(project: TestProject) {
  const { postgres, valkey, nats, envoy, close } = await obtainServers({
    want: ['postgres', 'valkey', 'nats', 'envoy'],
    env: process.env,
    onProgress: (line) => process.stderr.write(`${line}\n`),
  })
  project.provide('servers', {
    postgresUrl: postgres.url,
    redisUrl: valkey.url,
    natsUrl: nats.url,
    envoy: envoy.url,
  })
  return close
}
