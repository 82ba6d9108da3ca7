import type { Policy } from '../../src/domain/policy.ts'
import { recordOf } from '../../src/domain/record.ts'
import { decide, factOf, nowMs, requestOf, tokenOf, type World } from './builders.ts'

/** What a line is of: who asks for what, with which role. */
export interface LineParts extends World {
  readonly request?: string
  readonly user?: string
  readonly organization?: string
  readonly role?: string
  /** Minutes after noon. */
  readonly minute?: number
  readonly share?: number
}

let lines = 0

/** The line of a decision that a policy made. */
export function decisionLine(policy: Policy, parts: LineParts = {}): string {
  const { minute = 0, organization = 'org-a', role = 'staff', share = 1, user = 'u1' } = parts
  const atMs = nowMs + minute * 60_000
  const decision = decide(policy, requestOf(parts.request ?? `GET /o/${organization}`), {
    token: tokenOf({ sub: user, organizationId: organization, orgRole: role }),
    fact: factOf([role]),
    ...parts,
  })
  lines += 1
  return JSON.stringify(
    recordOf(decision, {
      decisionId: `019a0000-0000-7000-8000-${String(lines).padStart(12, '0')}`,
      nowMs: atMs,
      timestamp: new Date(atMs).toISOString(),
      durationUs: 100,
      worker: 0,
      loggedAllows: share,
    }),
  )
}

/** The line of a policy. */
export function policyLine(policy: Policy): string {
  return JSON.stringify({
    type: 'policy',
    timestamp: new Date(nowMs).toISOString(),
    policy: policy.version,
    definition: policy.definition,
  })
}
