import { dataFile } from './data-sets.ts'
import { freePorts } from './free-ports.ts'
import type { GoPrograms } from './go-programs.ts'
import { startServer } from './server-process.ts'
import { refusalOf, startTenantgate, type TenantgateOptions } from './tenantgate.ts'
import { floorOf, missing, transports } from './transports.ts'
import type { World } from './world.ts'

/** A server that runs. */
export interface Running {
  readonly addresses: readonly string[]
  readonly pids: () => readonly number[]
  readonly output: () => string
  readonly stop: () => Promise<void>
}

/** A server that can be measured. */
export interface Contestant {
  readonly name: string
  /** Whether it does the work, or allows everything. */
  readonly decides: boolean
  /** Why it cannot run; undefined: it can. */
  readonly leftOut: string | undefined
  /** Picks where it will listen; `start` may be called once. */
  readonly prepare: () => Promise<{
    readonly addresses: readonly string[]
    readonly start: () => Running
  }>
}

export interface ContestantDeps {
  readonly world: World
  readonly programs: GoPrograms
  readonly serverCores: string | undefined
}

type Variant = Omit<TenantgateOptions, 'grpcPort' | 'httpPort' | 'cores'>

/** An instance of tenantgate as a contestant; its deadline leaves room for a busy machine. */
export function tenantgateContestant(deps: ContestantDeps, variant: Variant): Contestant {
  const { serverCores, world } = deps
  const env = { TENANTGATE_DEADLINE: '1s', ...variant.env }
  const optionsAt = (port: number): TenantgateOptions => ({
    ...{ ...variant, env, httpPort: port, grpcPort: port + 1, cores: serverCores },
  })
  return {
    name: variant.name,
    decides: true,
    leftOut: refusalOf(world, optionsAt(1)),
    async prepare() {
      const workers = variant.workers ?? 1
      const port = await freePorts(workers + 1)
      const addresses = Array.from({ length: workers }, (_, i) => `127.0.0.1:${port + 1 + i}`)
      return { addresses, start: () => startTenantgate(world, optionsAt(port)) }
    },
  }
}

/** A server of another kind, which is told its address by `args`. */
function peer(
  { serverCores }: ContestantDeps,
  name: string,
  decides: boolean,
  commandAt: (address: string) => readonly [string, ...string[]],
): Contestant {
  return {
    ...{ name, decides, leftOut: undefined },
    async prepare() {
      const address = `127.0.0.1:${await freePorts(1)}`
      const [command, ...args] = commandAt(address)
      const start = (): Running => ({
        addresses: [address],
        ...startServer({ name, command, args, cores: serverCores }),
      })
      return { addresses: [address], start }
    },
  }
}

/** Others that do the same work, and some that do nothing, as a measure of their transports. */
export function peers(deps: ContestantDeps): readonly Contestant[] {
  const { floor, handgo, opaext } = deps.programs
  const policy = dataFile('policy-100.json')
  const opaData = dataFile('opa-data-hs-100.json')
  const own = (name: string, log: boolean) =>
    peer(deps, name, true, (at) => [
      ...([handgo, '-addr', at, '-policy', policy] as const),
      ...(log ? ['-log'] : []),
    ])
  const opa = (name: string, log: boolean) =>
    peer(deps, name, true, (at) => [
      ...([opaext, '-addr', at, '-data', opaData] as const),
      ...(log ? ['-log'] : []),
    ])
  return [
    peer(deps, 'allow-all, grpc-go', false, (at) => [floor, '-addr', at]),
    ...transports.map((transport) => ({
      ...peer(deps, `allow-all, ${transport}`, false, (at) => [
        ...([process.execPath, floorOf(transport), at] as const),
      ]),
      leftOut: missing(transport),
    })),
    own('hand-written, grpc-go', false),
    own('hand-written, grpc-go, log', true),
    opa('OPA engine', false),
    opa('OPA engine, log', true),
  ]
}

/** tenantgate on both transports, without its log and with it. */
export const tenantgates = (deps: ContestantDeps): readonly Contestant[] =>
  transports.flatMap((transport) =>
    (['off', 'stdout'] as const).map((log) => {
      const name = `tenantgate, ${transport}${log === 'off' ? '' : ', log'}`
      return tenantgateContestant(deps, { name, transport, log })
    }),
  )
