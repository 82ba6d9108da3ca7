import type { Pair } from '../../../src/domain/fact.ts'
import { pairs, type Step } from './plan.ts'
import { createRandom, type Random } from './random.ts'
import { routes } from './routes.ts'
import type { Action } from './scenario.ts'
import type { TruthChange } from './truth.ts'
import type { World } from './world.ts'

/** Makes what can happen in a world; a number draws the details of each. */
export function createActions(world: World): Readonly<Record<Action, (step: Step) => void>> {
  const drawn =
    (act: (random: Random, pair: Pair) => void) =>
    ({ draw, focus }: Step): void => {
      const random = createRandom(draw)
      act(random, random.chance(0.75) ? focus : random.pick(pairs))
    }
  return {
    request: drawn((random, pair) => request(world, random, pair)),
    change: drawn((random, pair) => change(world, random, pair)),
    mint: drawn((random, pair) => {
      const lagMs = random.between(0, world.scenario.issuerLagMs)
      world.note('a token is issued')
      world.mint(pair, lagMs)
    }),
    cut: drawn((random) => {
      const noticedMs = random.chance(0.5) ? undefined : random.between(0, 4_000)
      const number = processOf(world, random)
      world.note(`${number}: the connection to NATS dies`)
      world.processes[number]?.feed().cut(noticedMs)
    }),
    pause: drawn((random) => pause(world, random)),
    restart: drawn((random) => {
      const number = processOf(world, random)
      world.note(`${number}: starts anew`)
      world.restart(number)
    }),
    database: drawn((random) => disturbDatabase(world, random)),
    redis: drawn((random, pair) => disturbRedis(world, random, pair)),
    nats: drawn((random) => {
      world.note('NATS goes down')
      world.nats.set(false)
      world.timeline.in(random.between(0, 30_000), () => {
        world.note('NATS comes back')
        world.nats.set(true)
      })
    }),
    jump: drawn((random) => jump(world, random)),
    evict: drawn((random) => {
      world.note('Redis evicts all')
      world.redis.evict()
      if (random.chance(0.5)) world.redis.loseCommands(0)
    }),
  }
}

const processOf = ({ processes }: World, random: Random): number =>
  random.chance(0.7) ? 0 : Math.floor(random.between(0, processes.length))

/** One request, or a subject that is active for a while. */
function request(world: World, random: Random, pair: Pair): void {
  const call = {
    process: processOf(world, random),
    route: random.pick(routes),
    token: random.chance(0.3) ? world.mint(pair, 0) : world.tokenOf(pair),
    // Long ones show what the deadline hides.
    deadlineMs: random.chance(0.9) ? 1_000 : 30_000,
  }
  const times = random.chance(0.1) ? Math.floor(random.between(5, 40)) : 1
  const everyMs = random.between(50, 450)
  const next = (left: number): void => {
    world.request({ ...call, ...(left < times && { token: world.tokenOf(pair) }) })
    if (left > 1) world.timeline.in(everyMs, () => next(left - 1))
  }
  next(times)
}

/** A commit, and what its publisher makes of it. */
function change(world: World, random: Random, pair: Pair): void {
  const truthChange = draw(random, pair)
  const { early, late, never, soon } = world.scenario.announced
  const kind = random.next() * (early + late + never + soon)
  if (kind < never) commit(world, truthChange)
  else if (kind < never + early) {
    const { seq } = commit(world, truthChange, random.between(0, 4_500))
    publish(world, scopeOf(random, truthChange), seq)
  } else {
    const { seq } = commit(world, truthChange)
    const scope = scopeOf(random, truthChange)
    const afterMs = random.between(0, kind < never + early + late ? 5_000 : 5)
    world.timeline.in(afterMs, () => publish(world, scope, seq))
    if (random.chance(0.1)) world.timeline.in(afterMs + 3_000, () => publish(world, scope, seq))
  }
}

/** A commit, now or in a moment. */
function commit(world: World, change: TruthChange, afterMs = 0) {
  const made = world.truth.commit(change, world.timeline.nowMs() + afterMs)
  world.note(`change ${made.seq}, in ${afterMs.toFixed(0)} ms: ${JSON.stringify(change)}`)
  return made
}

type Scope = { readonly user: string | null; readonly organization: string | null }

function publish(world: World, scope: Scope, commit: number): void {
  if (!world.nats.up()) {
    // The publisher waits for an acknowledgement and tries again.
    world.timeline.in(1_000, () => publish(world, scope, commit))
    return
  }
  world.note(`the event of change ${commit} is published`)
  if (!world.published.has(commit)) world.published.set(commit, world.timeline.nowMs())
  world.nats.publish({ ...scope, commit })
}

/** An event may name more than what has changed. */
function scopeOf(random: Random, change: TruthChange): Scope {
  if (change.of === 'user') return { user: change.user, organization: null }
  if (change.of === 'organization') return { user: null, organization: change.organization }
  const { organization, user } = change
  return random.pick([
    { user, organization },
    { user, organization },
    { user, organization: null },
    { user: null, organization },
  ])
}

function draw(random: Random, { organization, user }: Pair): TruthChange {
  const kind = random.next()
  if (organization === null || kind < 0.2) {
    return {
      of: 'user',
      user,
      standing: random.pick(['user', 'user', 'user', 'banned', 'support']),
    }
  }
  if (kind < 0.3) return { of: 'organization', organization, viewersApprove: random.chance(0.5) }
  return { of: 'pair', user, organization, role: random.pick(['none', 'viewer', 'staff']) }
}

function pause(world: World, random: Random): void {
  const number = processOf(world, random)
  const machine = world.processes[number]?.machine
  if (machine?.runs() !== true) return
  const asleep = random.chance(0.3)
  world.note(`${number}: ${asleep ? 'the machine sleeps' : 'stands still'}`)
  machine.pause({ asleep })
  world.timeline.in(random.between(0, random.pick([50, 3_000, 12_000, 80_000])), () => {
    world.note(`${number}: runs again`)
    machine.wake()
  })
}

function disturbDatabase({ database, note, timeline }: World, random: Random): void {
  const state = random.pick(['slow', 'down', 'silent'] as const)
  note(`the database is ${state}`)
  database.set(state)
  timeline.in(random.between(0, random.pick([100, 5_000, 40_000])), () => {
    note('the database is up')
    database.set('up')
  })
}

function disturbRedis({ note, redis, timeline }: World, random: Random, pair: Pair): void {
  const kind = random.pick(['lose', 'replicate', 'replicate', 'fail over', 'down', 'write back'])
  note(`Redis: ${kind}`)
  if (kind === 'replicate') redis.replicate()
  else if (kind === 'fail over') redis.failOver()
  else if (kind === 'write back') redis.writeBack(pair, random.between(0, 30_000))
  else if (kind === 'lose') {
    redis.loseCommands(0.5)
    timeline.in(random.between(0, 8_000), () => redis.loseCommands(0))
  } else {
    redis.set(false)
    timeline.in(random.between(0, 8_000), () => redis.set(true))
  }
}

function jump(world: World, random: Random): void {
  const { skewMs, wildClocksMs } = world.scenario
  const number = processOf(world, random)
  const process = world.processes[number]
  const wild = wildClocksMs.length > 0 && random.chance(0.5)
  const toMs = wild ? random.pick(wildClocksMs) : random.between(-skewMs, skewMs)
  world.note(`${number}: the clock is set to ${toMs.toFixed(0)} ms off`)
  process?.machine.setSkew(toMs)
  process?.forgetSkew()
}
