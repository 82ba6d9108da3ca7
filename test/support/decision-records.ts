import { recordOf, type DecisionRecord } from '../../src/domain/record.ts'
import { adminPolicy } from './admin-api.ts'
import { decide, factOf, requestOf, tokenOf } from './builders.ts'

/** A recorded decision as a test states it; what is left out is the same for all. */
export interface StatedDecision {
  readonly request?: string
  readonly user?: string
  readonly organization?: string
  readonly roles?: readonly string[]
  readonly atMs: number
  /** Anonymous where `false`. */
  readonly token?: boolean
}

/** The decision of the admin API's policy on a request, as it is logged. */
export function recordedDecision(number: number, stated: StatedDecision): DecisionRecord {
  const { atMs, organization = 'org-a', request = `GET /o/${organization}/leave` } = stated
  const decision = decide(
    adminPolicy,
    requestOf(request, stated.token === false ? { headers: {} } : {}),
    {
      token: tokenOf({ sub: stated.user ?? 'u1', organizationId: organization }),
      fact: factOf(stated.roles ?? ['viewer'], { verifiedAtMs: atMs - 10 }),
    },
  )
  return recordOf(decision, {
    decisionId: decisionId(number, atMs),
    nowMs: atMs,
    timestamp: new Date(atMs).toISOString(),
    durationUs: 100,
    worker: 0,
    loggedAllows: 1,
  })
}

/** A UUIDv7 of a moment (RFC 9562 section 5.7). */
export function decisionId(number: number, atMs: number): string {
  const time = atMs.toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-7abc-8def-${number.toString(16).padStart(12, '0')}`
}
