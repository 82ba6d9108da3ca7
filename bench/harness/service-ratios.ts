import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { startPostgres } from '../../src/adapters/servers/postgres.ts'
import { startChild, type Child } from '../../src/adapters/servers/child.ts'
import { reach } from '../../src/adapters/servers/ports.ts'
import { ensureWheels } from '../../src/adapters/servers/wheels.ts'
import { freshnessPolicy } from '../../test/support/freshness-policy.ts'
import { requestBytes, secret, tokenOf } from '../../test/support/instance.ts'
import { createPeople } from '../../test/support/people.ts'
import type { Ratios } from './baseline.ts'
import { freePorts } from './free-ports.ts'
import { rawRun } from './raw-load.ts'
import { floorOf, missing, type Transport, transports } from './transports.ts'

const subjects = 200
const rounds = 6
const lengths = { warmAnswers: 500, measureMs: 800 }
const firstLengths = { warmAnswers: 15_000, measureMs: 300 }
const load = { connections: 2, inFlight: 48 }
const root = resolve(import.meta.dirname, '../..')
const logs = { 'log off': 'off', 'log on': 'stdout' } as const

interface Measured {
  readonly name: string
  readonly port: number
  readonly child: Child
}

/**
 * CPU time of a check by a known subject, as a multiple of what a server that allows everything takes
 * on the same transport, in rounds that are interleaved. The cheapest round of each counts: what else the
 * machine does only ever adds. Without Redis and NATS.
 */
export async function serviceRatios(): Promise<Ratios> {
  // The default one, unless this version has none.
  const transport = transports.find((one) => missing(one) === undefined) ?? 'grpc-js'
  const folder = mkdtempSync(join(tmpdir(), 'tenantgate-bench-'))
  const policy = join(folder, 'policy.yaml')
  writeFileSync(policy, freshnessPolicy)
  const postgres = await startPostgres({ binaries: await ensureWheels({}) })
  const people = await createPeople(postgres.url, 'bench')
  const persons = await people.add(subjects)
  await people.close()
  const messages = persons.map((person) =>
    requestBytes(person, 'cache', tokenOf(person)).toString('base64'),
  )
  const all: Measured[] = []
  try {
    all.push(await startFloor(transport))
    for (const [name, log] of Object.entries(logs)) {
      const env = {
        TENANTGATE_POLICY: policy,
        DATABASE_URL: postgres.url,
        TENANTGATE_GRPC_TRANSPORT: transport,
      }
      all.push(
        await startService(`${transport}, ${name}`, { ...env, TENANTGATE_DECISION_LOG: log }),
      )
    }
    return await ratiosOf(all, messages)
  } finally {
    await Promise.all(all.map(({ child }) => child.stop()))
    await postgres.close()
    rmSync(folder, { recursive: true })
  }
}

async function ratiosOf(all: readonly Measured[], messages: readonly string[]): Promise<Ratios> {
  const costs = new Map<string, number[]>(all.map(({ name }) => [name, []]))
  for (let round = 0; round <= rounds; round += 1) {
    for (const { child, name, port } of all) {
      const order = { ...load, messages, port, pid: child.pid }
      const { cpuUs } = await rawRun(order, round === 0 ? firstLengths : lengths)
      if (round > 0) costs.get(name)?.push(cpuUs) // by then it is compiled and everybody is known
    }
  }
  const [floor = [], ...services] = costs.values()
  const names = [...costs.keys()].slice(1)
  return Object.fromEntries(
    services.map((each, at) => {
      const ratio = Math.min(...each) / Math.min(...floor)
      return [`service, ${names[at] ?? ''}`, Number(ratio.toFixed(3))]
    }),
  )
}

async function startFloor(transport: Transport): Promise<Measured> {
  const port = await freePorts(1)
  const child = await startChild({
    name: 'the server that allows everything',
    command: process.execPath,
    args: [floorOf(transport), `127.0.0.1:${port}`],
    ready: () => isReached(port),
  })
  return { name: 'floor', port, child }
}

async function startService(
  name: string,
  env: Readonly<Record<string, string>>,
): Promise<Measured> {
  const port = await freePorts(2)
  const child = await startChild({
    name: `tenantgate, ${name}`,
    // Its output goes nowhere: what reading it costs is nobody's here.
    command: '/bin/sh',
    args: [
      ...['-c', 'exec "$0" --import "$1" "$2" serve > /dev/null', process.execPath],
      ...[join(root, 'bin/require-node.js'), join(root, 'src/main.ts')],
    ],
    env: {
      ...{ PATH: process.env['PATH'], BETTER_AUTH_SECRET: secret, ...env },
      TENANTGATE_GRPC_LISTEN: `127.0.0.1:${port}`,
      TENANTGATE_HTTP_LISTEN: `127.0.0.1:${port + 1}`,
      ...{ TENANTGATE_DRAIN: '0s', TENANTGATE_DEADLINE: '2s' },
    },
    ready: async () => (await fetch(`http://127.0.0.1:${port + 1}/readyz`)).ok,
  })
  return { name, port, child }
}

const isReached = (port: number): Promise<boolean> =>
  reach('127.0.0.1', port).then(
    () => true,
    () => false,
  )
