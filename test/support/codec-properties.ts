import { deepStrictEqual } from 'node:assert/strict'
import fc from 'fast-check'
import { createCheckDecoder } from '../../src/adapters/envoy/check-decoder.ts'
import { createCheckEncoder } from '../../src/adapters/envoy/check-encoder.ts'
import { unreadableRequest } from '../../src/adapters/envoy/decoded-request.ts'
import { denyReasons } from '../../src/domain/decision.ts'
import type { Decision } from '../../src/domain/evaluation.ts'
import { pairKey, type Fact, type FactSource, type Pair } from '../../src/domain/fact.ts'
import { rememberFact } from '../../src/domain/remembered-fact.ts'
import type { Policy } from '../../src/domain/policy.ts'
import type { AccessRequest } from '../../src/domain/request.ts'
import { askedHeaders, tenantHeaders } from './check-messages.ts'
import { loadedCheck, type CheckResponse } from './loaded-check.ts'
import { fromCheckRequest } from './plain-check-request.ts'
import { denialOf, toCheckResponse } from './plain-check-response.ts'
import {
  decideLive,
  decideWhole,
  policies,
  trueFact,
  worlds,
  type World,
} from './recorded-worlds.ts'
import { strictRequest } from './strict-check-request.ts'

/** What holds of the codec for all messages and decisions: asked for a moment by tests, for hours by a bench. */

/** All that a decision, its line or its span can learn of a request. */
export function judged(request: AccessRequest): object {
  const { extensions, host, method, path } = request
  return {
    ...{ method, host, path },
    headers: askedHeaders.map((name) => [name, request.header(name)]),
    extensions: ['access', 'permission', 'path'].map((key) => [key, extensions.get(key)]),
  }
}

const decode = createCheckDecoder({ tenantHeaders: () => tenantHeaders })

/** Decodes from the middle of memory that holds other things before and after. */
function decoded(bytes: Buffer): object {
  const memory = Buffer.concat([Buffer.alloc(7, 0x12), bytes, Buffer.alloc(9, 0x0a)])
  const request = decode(memory, 7, 7 + bytes.length)
  memory.fill(0)
  return judged(request)
}

function loadedRequest(bytes: Buffer): AccessRequest | undefined {
  try {
    return fromCheckRequest(loadedCheck.requestDeserialize(bytes))
  } catch {
    return undefined
  }
}

/** What proto-loader wrote is read as proto-loader reads it. */
export function readsWhatIsWritten(bytes: Buffer): void {
  deepStrictEqual(decoded(bytes), judged(fromCheckRequest(loadedCheck.requestDeserialize(bytes))))
}

/**
 * Any bytes are read as the strict reader reads them, or refused where it gives up; what it reads is what
 * proto-loader reads, unless that gives up on what nobody here looks into.
 */
export function readsAlike(bytes: Buffer): 'refused' | 'read' | 'read by all' {
  const strict = strictRequest(bytes, askedHeaders)
  deepStrictEqual(decoded(bytes), judged(strict ?? unreadableRequest))
  if (strict === undefined) return 'refused'
  const loaded = loadedRequest(bytes)
  if (loaded === undefined) return 'read'
  deepStrictEqual(judged(strict), judged(loaded))
  return 'read by all'
}

const encoder = createCheckEncoder()
const asLoaded = (bytes: Uint8Array): CheckResponse =>
  loadedCheck.responseDeserialize(Buffer.from(bytes))

/** An answer says what proto-loader writes of the plain one. */
export function answersAlike(decision: Decision, id: string, assertion?: string | null): void {
  const plain = toCheckResponse(decision, id, assertion)
  const length = encoder.answer(decision, id, assertion)
  deepStrictEqual(
    asLoaded(encoder.bytes().subarray(0, length)),
    asLoaded(loadedCheck.responseSerialize(plain)),
  )
}

/** So does a refusal of which nothing else is known. */
export function refusesAlike(id: string): void {
  for (const reason of denyReasons) {
    const length = encoder.denial(reason, id)
    deepStrictEqual(
      asLoaded(encoder.bytes().subarray(0, length)),
      asLoaded(loadedCheck.responseSerialize(denialOf(reason, id))),
    )
  }
}

const role = fc.oneof(
  fc.constantFrom('staff', 'Büro', 'a\r\nb', '\0', 'x'.repeat(130), '%', '役'),
  fc.string({ unit: 'grapheme', minLength: 1 }),
)
/** Names that a policy may give to identity headers. */
const named: readonly Policy['definition']['headers'][] = [
  { userId: 'x-a', organizationId: 'x-b', organizationRole: 'x-c', userRole: 'x-d' },
  {
    userId: 'n'.repeat(200),
    organizationId: 'x-b',
    organizationRole: 'x-c',
    userRole: 'x-user-id',
  },
]
/** Several requests under two policies, of subjects whose facts and odd roles are shared. */
export const answers = fc.record({
  policies: fc.tuple(policies, policies),
  headers: fc.option(fc.constantFrom(...named)),
  worlds: fc.array(worlds, { minLength: 1, maxLength: 6 }),
  source: fc.constantFrom<FactSource[]>('memory', 'memory', 'memory', 'postgres'),
  roles: fc.option(fc.array(role, { maxLength: 3 }), { freq: 3 }),
  id: fc.oneof(fc.uuid(), fc.stringMatching(/^[ -~]{1,140}$/)),
  assertion: fc.constantFrom(undefined, null, 'a.b.c', 'x'.repeat(700)),
})
type Answers = typeof answers extends fc.Arbitrary<infer T> ? T : never

/** All of them are answered alike; returns how many passed. */
export async function allAnswerAlike(all: Answers): Promise<number> {
  const { assertion, id, worlds: asked } = all
  const facts = new Map<string, Fact>()
  let passed = 0
  const told = (decision: Decision): void => {
    answersAlike(decision, id, assertion)
    answersAlike({ ...decision, passes: !decision.passes }, id, assertion)
    // As a grant that came too late, and what a bug may make of it.
    answersAlike({ ...decision, reason: 'unavailable', passes: true }, id, assertion)
    if (decision.passes) passed += 1
  }
  const [first, second] = all.policies
  for (const policy of [first, renamed(second, all.headers), first]) {
    for (const world of asked) {
      told(await decideLive(world, policy))
      told(await decideWhole(world, policy, (pair) => sharedFact(facts, pair, world, all)))
    }
  }
  refusesAlike(id)
  return passed
}

/** The fact of a pair, the same one for all that ask for it. */
function sharedFact(facts: Map<string, Fact>, pair: Pair, world: World, all: Answers): Fact {
  const known = facts.get(pairKey(pair))
  if (known !== undefined) return known
  const fact = trueFact(world.truth, pair, all.source, true)
  const odd =
    all.roles === null
      ? fact
      : {
          ...fact,
          rows: [[...(fact.rows[0] ?? []), ...all.roles]],
          platformRoles: [...fact.platformRoles, ...all.roles],
        }
  const shared = all.source === 'memory' ? rememberFact(odd) : odd
  facts.set(pairKey(pair), shared)
  return shared
}

function renamed(policy: Policy, headers: Policy['definition']['headers'] | null): Policy {
  return headers === null ? policy : { ...policy, definition: { ...policy.definition, headers } }
}
