import { join } from 'node:path'
import { lookAtPart } from '../src/adapters/envoy/subject-part.ts'
import { createBoundedMap } from '../src/adapters/lru/bounded-map.ts'
import { createDecisionLog, noDecisionLog } from '../src/adapters/pino/decision-log.ts'
import { createMetrics } from '../src/adapters/prometheus/metrics.ts'
import { createCheck } from '../src/application/check.ts'
import { createFacts } from '../src/application/facts.ts'
import { LookAhead } from '../src/application/look-ahead.ts'
import { observeCheck, type ObservedCheck } from '../src/application/observe-check.ts'
import { createTokenMemory, type TokenMemory } from '../src/application/token-memory.ts'
import { createBatchClock } from '../src/batch-clock.ts'
import { composeDecisions } from '../src/compose-decisions.ts'
import { factFromRows, type Fact } from '../src/domain/fact.ts'
import type { VerifiedToken } from '../src/domain/identity.ts'
import type { Policy } from '../src/domain/policy.ts'
import type { BatchClock } from '../src/ports/clock.ts'
import { createTimestamp } from '../src/iso-timestamp.ts'
import { createUuidV7 } from '../src/uuid-v7.ts'

/** What is done with a decision: nothing, kept for the admin API, or kept and logged to a file. */
export type Kind = 'bare' | 'kept' | 'logged'

/** The decision pipeline as `serve` composes it, over sources that answer at once. */
export interface Pipeline {
  readonly observed: ObservedCheck
  readonly lookAhead: LookAhead
  readonly batchClock: BatchClock
  /** What a decoder recognises credentials by. */
  readonly recognise: TokenMemory['recognise']
  readonly close: () => Promise<void>
}

const ttl = { verifyAfterMs: 600_000, cacheTtlMs: 900_000 }
const maxBytes = 2 ** 33
const now = (): number => Date.now()
const monotonicNow = (): number => performance.now()
const complain = (cause: unknown): void => console.error(cause)
const ignore = (): undefined => undefined

/** Composes one that has room for so many subjects. */
export function createPipeline(
  kind: Kind,
  { folder, policy, subjects }: { folder: string; policy: Policy; subjects: number },
): Pipeline {
  const metrics = createMetrics()
  const timestamp = createTimestamp()
  const batchClock = createBatchClock()
  const sink =
    kind === 'logged'
      ? createDecisionLog({
          sink: join(folder, 'decisions.log'),
          now: () => timestamp(now()),
          onDropped: metrics.logDropped,
          onFault: complain,
        })
      : noDecisionLog
  const config = { adminDecisions: kind === 'bare' ? 0 : 10_000, logRequired: false }
  const { decisionLog } = composeDecisions(config, sink, () => timestamp(now()))
  decisionLog.policy(policy.version, policy.definition)
  const facts = composeFacts(subjects)
  const identities = createTokenMemory({
    createMap: createBoundedMap,
    maxEntries: Math.max(100_000, subjects),
    maxBytes,
  })
  const check = createCheck({
    policy: () => policy,
    tokens: { verify: (token) => Promise.resolve(unverified(token)) },
    identities,
    facts: facts.facts,
    rules: { issuers: ['https://id.example.com'], audiences: ['https://api.example.com'] },
    claimsMayGrant: true,
    ...{ now, batch: batchClock.now, onFault: complain },
  })
  return {
    ...{ recognise: identities.recognise, batchClock },
    lookAhead: new LookAhead({ identities, facts, prepared: lookAtPart }),
    observed: observeCheck(check, {
      ...{ worker: 0, now, monotonicNow, timestamp, newId: createUuidV7() },
      batch: { clock: batchClock.now, maxMs: 1_000 },
      ...{ log: decisionLog, metrics, loggedAllows: 1, logRequired: false, random: Math.random },
    }),
    async close() {
      facts.close()
      metrics.close()
      await decisionLog.close()
    },
  }
}

function composeFacts(subjects: number) {
  const user = { role: null, banned: false }
  const read = (): Fact =>
    factFromRows(
      { user, memberRoles: ['staff'], dynamicRoles: [], verifiedAtMs: now() },
      'postgres',
    )
  return createFacts({
    clock: () => ({ monotonicMs: monotonicNow(), wallMs: now() }),
    bounds: ttl,
    source: { read: () => Promise.resolve(read()) },
    batches: { readMany: (pairs) => Promise.resolve(pairs.map(read)) },
    cache: {
      available: () => false,
      get: () => Promise.resolve(undefined),
      ...{ put: ignore, drop: ignore },
    },
    createMap: createBoundedMap,
    limits: {
      maxFacts: Math.max(100_000, subjects),
      ...{ maxFactBytes: maxBytes, maxChanges: 50_000, maxAnswered: 2_000_000 },
    },
    hasPlatformRole: () => false,
    schedule(task, ms) {
      const timer = setTimeout(task, ms).unref()
      return { cancel: () => clearTimeout(timer) }
    },
    random: Math.random,
    signal: new AbortController().signal,
    observer: {
      ...{ event: ignore, malformed: ignore, batch: ignore, watchBroke: ignore },
      unannounced: () => complain('a fact changed that nobody changes'),
      verificationFailed: complain,
    },
  })
}

/** What a token says; its signature is not what is measured here. */
function unverified(token: string): VerifiedToken {
  const [, claims = ''] = token.split('.')
  return {
    header: { alg: 'HS256', typ: 'JWT' },
    claims: JSON.parse(Buffer.from(claims, 'base64url').toString()) as Record<string, unknown>,
  }
}
