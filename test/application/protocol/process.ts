import { createBoundedMap } from '../../../src/adapters/lru/bounded-map.ts'
import { createCheck } from '../../../src/application/check.ts'
import type { createFacts, FactsState } from '../../../src/application/facts.ts'
import { createTokenMemory } from '../../../src/application/token-memory.ts'
import { AppError } from '../../../src/domain/errors.ts'
import type { Decision } from '../../../src/domain/evaluation.ts'
import { pairKey, type Fact, type Pair } from '../../../src/domain/fact.ts'
import type { FactSource } from '../../../src/ports/fact-source.ts'
import { requestOf, uncheckedRules } from '../../support/builders.ts'
import { createFeed, type Feed } from './feed.ts'
import { createMachine, type Inbox, type Machine } from './machine.ts'
import type { Announcement } from './nats.ts'
import { policy } from './routes.ts'
import type { Surroundings } from './surroundings.ts'

/** Builds the facts of a process: the real thing, or one that is broken on purpose. */
export type MakeFacts = typeof createFacts

/** An announcement as a process heard it. */
export interface Heard extends Announcement {
  readonly atMs: number
  /** By the clock of the process. */
  readonly wallMs: number
}

/** A read of a pair that was answered, with true times. */
export interface OwnRead {
  readonly fact: Fact
  readonly place: number
  readonly sentAtMs: number
  readonly answeredAtMs: number
}

/** A process that decides, and what the oracle may know of it. */
export interface Process {
  readonly machine: Machine
  readonly feed: () => Feed
  /** What was heard since the last start, in order. */
  readonly heard: () => readonly Heard[]
  /** Whether the process has seen how far its clock is from PostgreSQL's since it was set. */
  readonly knowsSkew: () => boolean
  readonly forgetSkew: () => void
  /** The place, among its own, of the read that told a fact of this time; undefined: others did. */
  readonly placeOf: (verifiedAtMs: number) => number | undefined
  /** The read of a pair that was sent last, of those that were answered since the last start. */
  readonly lastRead: (pair: Pair) => OwnRead | undefined
  readonly state: () => FactsState
  readonly restart: () => void
  readonly faults: unknown[]
  /** Hands a request over; `arrived` is called when it comes to be handled. */
  readonly check: (
    call: { readonly path: string; readonly token: string; readonly deadlineMs: number },
    arrived: () => (decision: Decision) => void,
  ) => void
}

const hasPlatformRole = (fact: Fact): boolean =>
  fact.platformRoles.some((role) => policy.platformRoles.has(role))
const isShared = (fact: Fact): boolean => fact.rows.length > 0 || hasPlatformRole(fact)

/** Starts a process. */
export function createProcess(world: Surroundings, makeFacts: MakeFacts, skewMs: number): Process {
  const { database, issuer, random, redis, scenario, timeline } = world
  const machine = createMachine({ timeline, random, skewMs })
  const faults: unknown[] = []
  let reads = 0
  let places = new Map<number, number>()
  let lastReads = new Map<string, OwnRead>()
  let heard: Heard[] = []
  let knowsSkew = Math.abs(skewMs) <= 2_000

  /** Notes what was read, and whether it told how far the clocks are apart. */
  function watched(inbox: Inbox): FactSource {
    const source = database.source(inbox)
    const send = () => ({ ...machine.clock(), sentAtMs: timeline.nowMs(), place: (reads += 1) })
    const note = (
      { place, sentAtMs, ...sent }: ReturnType<typeof send>,
      asked: readonly Pair[],
      facts: readonly Fact[],
    ): void => {
      if (!inbox.alive()) return
      for (const [index, fact] of facts.entries()) {
        places.set(fact.verifiedAtMs, place)
        const key = pairKey(asked[index] as Pair)
        if ((lastReads.get(key)?.place ?? 0) > place) continue
        lastReads.set(key, { fact, place, sentAtMs, answeredAtMs: timeline.nowMs() })
      }
      const now = machine.clock()
      const tookMs = now.monotonicMs - sent.monotonicMs
      if (tookMs <= 1_000 && Math.abs(now.wallMs - sent.wallMs - tookMs) < 1) knowsSkew = true
    }
    return {
      async read(pair, signal) {
        const sent = send()
        const fact = await source.read(pair, signal)
        note(sent, [pair], [fact])
        return fact
      },
      async readMany(pairs, signal) {
        const sent = send()
        const facts = await source.readMany(pairs, signal)
        note(sent, pairs, facts)
        return facts
      },
    }
  }

  function boot() {
    const inbox = machine.boot()
    const source = watched(inbox)
    places = new Map()
    lastReads = new Map()
    heard = []
    knowsSkew = Math.abs(machine.skewMs()) <= 2_000
    const { facts, listener, state } = makeFacts({
      clock: machine.clock,
      bounds: scenario.bounds,
      source,
      batches: source,
      cache: redis.cache(inbox, isShared),
      createMap: createBoundedMap,
      limits: scenario.limits,
      hasPlatformRole,
      schedule: inbox.schedule,
      random: random.next,
      signal: new AbortController().signal,
      observer: {
        event: () => undefined,
        malformed: (_subject, why) => faults.push(new Error(why)),
        unannounced: () => world.count('unannounced'),
        batch: () => undefined,
        verificationFailed: (cause) => noteFault(cause),
        watchBroke: () => undefined,
      },
    })
    const check = createCheck({
      policy: () => policy,
      tokens: { verify: async (token) => issuer.verify(token) },
      identities: createTokenMemory({
        createMap: createBoundedMap,
        maxEntries: 100,
        maxBytes: 1_000_000,
      }),
      rules: uncheckedRules,
      facts,
      claimsMayGrant: true,
      now: () => machine.clock().wallMs,
      onFault: noteFault,
    })
    const feed = createFeed({
      ...{ timeline, random, inbox, listener, nats: world.nats, clock: machine.clock },
      kind: scenario.feed,
      cacheTtlMs: scenario.bounds.cacheTtlMs,
      onMessage(announcement) {
        listener.message('member.role.changed', bodyOf(announcement))
        const { wallMs } = machine.clock()
        heard.push({ ...announcement, atMs: timeline.nowMs(), wallMs })
      },
    })
    return { inbox, check, feed, state }
  }

  /** An outage is no bug; everything else is. */
  function noteFault(cause: unknown): void {
    if (!(cause instanceof AppError)) faults.push(cause)
  }

  let booted = boot()
  return {
    machine,
    faults,
    feed: () => booted.feed,
    heard: () => heard,
    knowsSkew: () => knowsSkew,
    forgetSkew: () => void (knowsSkew = false),
    placeOf: (verifiedAtMs) => places.get(verifiedAtMs),
    lastRead: (pair) => lastReads.get(pairKey(pair)),
    state: () => booted.state(),
    restart() {
      booted.feed.cut(undefined)
      booted = boot()
    },
    check({ path, token, deadlineMs }, arrived) {
      const { check, inbox } = booted
      inbox.deliver(`request ${random.next()}`, () => {
        const decided = arrived()
        const request = requestOf(`GET ${path}`, { headers: { authorization: `Bearer ${token}` } })
        const lateMs = machine.clock().monotonicMs + deadlineMs
        const abort = new AbortController()
        inbox.schedule(() => abort.abort(), deadlineMs)
        const decision = check(request, {
          isLate: () => machine.clock().monotonicMs > lateMs,
          leftMs: () => Math.max(0, lateMs - machine.clock().monotonicMs),
          signal: () => abort.signal,
        })
        if (!(decision instanceof Promise)) decided(decision)
        else {
          void decision.then((made) => {
            if (inbox.alive()) decided(made)
          })
        }
      })
    },
  }
}

function bodyOf({ organization, user }: Announcement): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ userId: user, organizationId: organization }))
}
