import { createFacts } from '../../../src/application/facts.ts'
import type { Decision } from '../../../src/domain/evaluation.ts'
import { pairKey, type Pair } from '../../../src/domain/fact.ts'
import { createActions } from './actions.ts'
import { createAttention } from './attention.ts'
import { createOrigin } from './origin.ts'
import type { Token } from './issuer.ts'
import { judgeDecision, reasonBy, type Observation } from './oracle.ts'
import { pairs, type Step } from './plan.ts'
import { createProcess, type MakeFacts, type Process } from './process.ts'
import { routes, type SimulatedRoute } from './routes.ts'
import type { Scenario } from './scenario.ts'
import { createSurroundings, type Surroundings } from './surroundings.ts'
import { epochMs } from './timeline.ts'

/** A promise that was broken, and what led to it. */
export interface Violation {
  readonly what: string
  readonly trace: readonly string[]
}

/** A request that a world is asked to make. */
export interface Call {
  readonly process: number
  readonly route: SimulatedRoute
  readonly token: Token
  readonly deadlineMs: number
}

/** A world that runs: processes with all around them, and the oracle that watches. */
export interface World extends Surroundings {
  readonly processes: readonly Process[]
  readonly published: Map<number, number>
  readonly request: (call: Call) => void
  readonly restart: (process: number) => void
  /** The token that a client of the pair holds; a new one if it holds none. */
  readonly tokenOf: (pair: Pair) => Token
  readonly mint: (pair: Pair, lagMs: number) => Token
  readonly note: (what: string) => void
}

/** Plays a schedule; returns the first promise that was broken. */
export async function play(options: {
  readonly scenario: Scenario
  readonly seed: number
  readonly plan: readonly Step[]
  readonly makeFacts?: MakeFacts
  readonly count?: (what: string) => void
}): Promise<Violation | undefined> {
  const { plan, scenario, seed } = options
  const count = options.count ?? (() => undefined)
  const trace: string[] = []
  let violation: Violation | undefined
  const surroundings = createSurroundings(scenario, seed, count)
  const { timeline, truth } = surroundings
  for (const { organization, user } of pairs) {
    if (organization === null) continue
    truth.commit({ of: 'pair', user, organization, role: 'staff' }, epochMs - 1_000_000)
  }
  const note = (what: string): void => {
    trace.push(`${(timeline.nowMs() - epochMs).toFixed(1)} ${what}`)
  }
  const world = populate(surroundings, options.makeFacts ?? createFacts, {
    note,
    broken(what) {
      violation ??= { what, trace: [...trace] }
    },
  })
  const actions = createActions(world)
  for (const step of plan) {
    await timeline.run(timeline.nowMs() + step.afterMs)
    actions[step.action](step)
    await timeline.run(timeline.nowMs())
    if (violation !== undefined) return violation
  }
  const unwell = await recover(world)
  violation ??= unwell === undefined ? undefined : { what: unwell, trace }
  return violation
}

interface Reporting {
  readonly note: (what: string) => void
  readonly broken: (what: string) => void
}

/** Starts the processes and watches what they decide. */
function populate(around: Surroundings, makeFacts: MakeFacts, report: Reporting): World {
  const { issuer, random, scenario, timeline } = around
  const skew = (): number => random.between(-scenario.skewMs, scenario.skewMs)
  const processes = Array.from({ length: scenario.processes }, () =>
    createProcess(around, makeFacts, skew()),
  )
  const followers = processes.map(() => [createAttention(around), createOrigin(around)])
  const tokens = new Map<string, Token>()
  const published = new Map<number, number>()

  function observe(number: number, seen: Observation): void {
    const { fact, reason } = seen
    around.count(`${reason} by ${fact?.source ?? 'nobody'}`)
    report.note(describe(number, seen))
    const broken =
      judgeDecision(around, published, seen) ??
      followers[number]?.map(({ judge }) => judge(seen)).find((what) => what !== undefined) ??
      faultOf(seen.process)
    if (broken !== undefined) report.broken(broken)
  }

  const mint = (pair: Pair, lagMs: number): Token => {
    const token = issuer.mint(pair, lagMs)
    tokens.set(pairKey(pair), token)
    return token
  }
  return {
    ...around,
    processes,
    published,
    note: report.note,
    mint,
    tokenOf: (pair) => tokens.get(pairKey(pair)) ?? mint(pair, 0),
    restart(number) {
      followers[number]?.forEach(({ forget }) => forget())
      processes[number]?.restart()
    },
    request({ deadlineMs, process: number, route, token }) {
      const process = processes[number]
      const path = `/${route.name}/${token.pair.organization ?? ''}`
      process?.check({ path, token: token.text, deadlineMs }, () => {
        const arrivedAtMs = timeline.nowMs()
        const heardAtArrival = process.heard().length
        return ({ evaluation, reason }: Decision) => {
          const { fact } = evaluation
          observe(number, { process, route, token, arrivedAtMs, heardAtArrival, reason, fact })
        }
      })
    },
  }
}

function describe(
  number: number,
  { arrivedAtMs, fact, reason, route, token }: Observation,
): string {
  const { organization, user } = token.pair
  const read =
    fact === null
      ? 'nobody'
      : `${fact.source}, ${fact.dynamic.get('version')?.join('-') ?? 'a claim'}, of ${(fact.verifiedAtMs - epochMs).toFixed(1)}`
  return `${number}: ${route.name} ${user} ${organization ?? ''}: ${reason} by ${read}, arrived at ${(arrivedAtMs - epochMs).toFixed(1)}`
}

function faultOf({ faults: [fault] }: Process): string | undefined {
  if (fault === undefined) return undefined
  return `a bug: ${fault instanceof Error ? (fault.stack ?? fault.message) : JSON.stringify(fault)}`
}

/** Longer than reconnecting, than any back-off, and than the margin. */
const healingMs = 40_000

/** Once all is well and has been for a while, every decision is what is true. */
async function recover(world: World): Promise<string | undefined> {
  const { database, nats, processes, redis, scenario, timeline } = world
  database.set('up')
  nats.set(true)
  redis.set(true)
  redis.loseCommands(0)
  for (const { machine } of processes) {
    machine.wake()
    if (Math.abs(machine.skewMs()) > scenario.skewMs) machine.setSkew(0)
  }
  world.note('all is well from here on')
  await timeline.run(timeline.nowMs() + healingMs)
  // Whoever was idle may first be decided on by what is older: it is verified within 1 s.
  for (const round of ['first', 'second']) {
    for (const [number, process] of processes.entries()) {
      const holds = process.state().watchHolds
      if (holds !== (scenario.feed !== 'none')) return `the watch ${holds ? 'holds' : 'is lost'}`
      for (const pair of pairs.slice(0, 2)) {
        for (const route of routes) {
          const wrong = await decideNow(world, number, { pair, route })
          if (wrong !== undefined && round === 'second') return wrong
        }
      }
    }
    await timeline.run(timeline.nowMs() + 1_200)
  }
  return processes.map(faultOf).find((fault) => fault !== undefined)
}

async function decideNow(
  world: World,
  number: number,
  { pair, route }: { readonly pair: Pair; readonly route: SimulatedRoute },
): Promise<string | undefined> {
  const { timeline, truth } = world
  let got: string = 'no decision'
  const token = world.mint(pair, 0)
  world.processes[number]?.check(
    { path: `/${route.name}/${pair.organization ?? ''}`, token: token.text, deadlineMs: 1_000 },
    () => (decision) => void (got = decision.reason),
  )
  await timeline.run(timeline.nowMs() + 400)
  const expected = reasonBy(route, truth.read(pair, timeline.nowMs(), timeline.nowMs()))
  if (got === expected) return undefined
  return `${pairKey(pair)} on ${route.name}: ${got} instead of ${expected}, all being well`
}
