import type { Fact } from './fact.ts'
import type { Identity } from './identity.ts'
import type { DecisionRecord } from './record.ts'
import type { AccessRequest } from './request.ts'

const noText: ReadonlyMap<string, string> = new Map()
const noRoles: ReadonlyMap<string, readonly string[]> = new Map()

type Basis =
  | 'decision_id'
  | 'timestamp'
  | 'reason'
  | 'policy'
  | 'route'
  | 'method'
  | 'host'
  | 'path'
  | 'user_id'
  | 'organization_id'
  | 'tenant'
  | 'token'
  | 'fact'
  | 'extensions'

/** What of a record a replay rests on; what else it holds plays no part. */
export interface RecordedDecision extends Pick<DecisionRecord, Basis> {
  readonly tenant_headers?: DecisionRecord['tenant_headers'] | undefined
  readonly share?: number | undefined
}

/** What a record tells of a decision before any policy is asked: the same for each. */
export interface RecordedCase {
  readonly record: RecordedDecision
  readonly request: AccessRequest
  /** Undefined where no token was admitted. */
  readonly identity: Identity | undefined
}

/** Reads a record for policies to decide on. */
export function recordedCase(record: RecordedDecision): RecordedCase {
  return { record, request: recordedRequest(record), identity: recordedIdentity(record) }
}

/** The request that a record describes: of its headers it holds those that name the tenant. */
function recordedRequest(record: RecordedDecision): AccessRequest {
  const headers = record.tenant_headers ?? {}
  return {
    method: record.method,
    host: record.host,
    path: record.path ?? '',
    header: (name) => (Object.hasOwn(headers, name) ? (headers[name] ?? undefined) : undefined),
    extensions: record.extensions === null ? noText : new Map(Object.entries(record.extensions)),
  }
}

/** Whose token it was; undefined where none was admitted. Its times held when it was judged. */
function recordedIdentity({ token, user_id: subject }: RecordedDecision): Identity | undefined {
  if (token === null || subject === null) return undefined
  return {
    subject,
    organization: token.organization_id,
    organizationRoles: token.org_roles,
    platformRoles: token.platform_roles,
    issuedAtS: token.iat,
    expiresAtS: token.exp,
    notBeforeS: null,
    algorithm: token.alg,
    keyId: token.kid,
  }
}

/** The fact that a decision rested on, by a clock that stood at 0 when it was made. */
export function recordedFact(fact: NonNullable<RecordedDecision['fact']>): Fact {
  return {
    user: fact.user,
    banned: fact.banned,
    rows: fact.rows,
    dynamic: isEmpty(fact.dynamic) ? noRoles : new Map(Object.entries(fact.dynamic)),
    platformRoles: fact.platform_roles,
    source: fact.source,
    verifiedAtMs: -fact.age_ms,
  }
}

function isEmpty(object: object): boolean {
  for (const key in object) if (Object.hasOwn(object, key)) return false
  return true
}
