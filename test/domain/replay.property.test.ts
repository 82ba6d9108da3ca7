import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Decision } from '../../src/domain/evaluation.ts'
import type { Fact, Pair } from '../../src/domain/fact.ts'
import type { Policy } from '../../src/domain/policy.ts'
import type { DecisionRecord } from '../../src/domain/record.ts'
import { recordedCase } from '../../src/domain/recorded.ts'
import {
  beginReplay,
  concludeReplay,
  isKept,
  replayAgainst,
  replayRecorded,
} from '../../src/domain/replay.ts'
import {
  decideLive,
  decideWhole,
  logged,
  policies,
  trueFact,
  worlds,
  type World,
} from '../support/recorded-worlds.ts'

const outcome = ({ reason, passes }: Decision): string => `${reason}${passes ? ', passes' : ''}`

/**
 * What is taken for the truth of the moment: the facts, or where a claim granted, that claim whole,
 * with the platform roles that its token states (docs/adr/0007).
 */
function truthOf(world: World, record: DecisionRecord, recordedPair: Pair | undefined) {
  return (pair: Pair): Fact => {
    const whole = trueFact(world.truth, pair, 'postgres', true)
    if (record.fact?.source !== 'claims' || pair.organization !== recordedPair?.organization) {
      return whole
    }
    return {
      ...whole,
      user: true,
      banned: false,
      rows: record.fact.rows,
      platformRoles: record.token?.platform_roles ?? [],
    }
  }
}

/** Policies are dear to make, so each pair of them meets several worlds. */
const someWorlds = fc.array(worlds, { minLength: 1, maxLength: 12, size: 'max' })

/** Replays a world's decision under a candidate, and tells what came of it. */
async function compared(world: World, policy: Policy, candidate: Policy): Promise<string> {
  const record = logged(await decideLive(world, policy))
  if (isKept(record)) return 'kept'
  const original = replayRecorded(record, policy)
  const replayed = replayAgainst(recordedCase(record), original, candidate)
  if ('undetermined' in replayed) return replayed.undetermined
  const factOf = truthOf(world, record, original.evaluation.tenancy?.pair)
  const whole = await decideWhole(world, candidate, factOf)
  // A header that comes twice is bad_request, which is kept and never found anew.
  if (whole.reason === 'bad_request') return 'kept'
  expect(outcome(replayed.decision)).toBe(outcome(whole))
  return `${original.reason} → ${replayed.decision.reason}`
}

const seen = new Set<string>()
const note = (what: string): void => void seen.add(what)

/**
 * Every kind came at least once. Of the runs, which are independent (what shares a policy is not), the
 * rarest kind comes in 30 of 2,000 on average: that none has it happens once in 10^13 times.
 */
const expectSeen = (kinds: readonly string[]): void =>
  expect(kinds.filter((kind) => !seen.has(kind))).toEqual([])

describe('any decision of any policy, logged', () => {
  it('comes out the same when it is replayed', async () => {
    seen.clear()
    await fc.assert(
      fc.asyncProperty(policies, someWorlds, async (policy, worlds) => {
        for (const world of worlds) {
          const live = await decideLive(world, policy)
          const record = logged(live, world.loggedAllows)
          note(`${record.reason} by ${record.fact?.source ?? 'nobody'}`)
          if (isKept(record)) continue
          expect(outcome(replayRecorded(record, policy))).toBe(outcome(live))
        }
      }),
      { numRuns: 1_000 },
    )
    expectSeen([
      ...['memory', 'claims', 'redis', 'postgres', 'nobody'].map(
        (source) => `granted by ${source}`,
      ),
      ...['postgres', 'memory', 'nobody'].map((source) => `tenant_mismatch by ${source}`),
      ...['banned', 'unknown_user', 'not_a_member', 'permission_denied'].map(
        (reason) => `${reason} by postgres`,
      ),
      ...['no_route', 'ambiguous_path', 'bad_request', 'unavailable', 'invalid_token'].map(
        (reason) => `${reason} by nobody`,
      ),
      ...['missing_credential', 'malformed_credential', 'expired_token'].map(
        (reason) => `${reason} by nobody`,
      ),
    ])
  }, 120_000)

  it('comes out under another policy as that policy decides, or is said to be undetermined', async () => {
    seen.clear()
    await fc.assert(
      fc.asyncProperty(policies, policies, someWorlds, async (policy, candidate, worlds) => {
        for (const world of worlds) note(await compared(world, policy, candidate))
      }),
      { numRuns: 2_000 },
    )
    expectSeen([
      'the credential was never looked at',
      'the fact was never read',
      'the fact is of another organization',
      'dynamic roles were not read',
      'a claim says nothing of platform roles',
      'the header that names the tenant was not recorded',
      'granted → permission_denied',
      'permission_denied → granted',
      'not_a_member → granted',
      'tenant_mismatch → granted',
      'granted → tenant_mismatch',
    ])
  }, 120_000)

  it('comes out with facts that are read today as the candidate decides on them', async () => {
    await fc.assert(
      fc.asyncProperty(policies, policies, someWorlds, async (policy, candidate, worlds) => {
        for (const world of worlds) {
          const record = logged(await decideLive(world, policy))
          const begun = beginReplay(recordedCase(record), candidate)
          if (isKept(record) || 'undetermined' in begun) continue
          const factOf = (pair: Pair): Fact => trueFact(world.truth, pair, 'postgres', true)
          const whole = await decideWhole(world, candidate, factOf)
          if (whole.reason === 'bad_request') continue
          const decision =
            'decision' in begun ? begun.decision : concludeReplay(begun, factOf(begun.pair))
          expect(outcome(decision)).toBe(outcome(whole))
        }
      }),
      { numRuns: 1_000 },
    )
  }, 120_000)
})
