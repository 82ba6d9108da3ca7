import type { Fact } from './fact.ts'
import type { Identity } from './identity.ts'
import { readPath, type PathReading } from './path.ts'
import type { DecisionRecord } from './record.ts'
import type { AccessRequest } from './request.ts'

const noText: ReadonlyMap<string, string> = new Map()
const noRoles: ReadonlyMap<string, readonly string[]> = new Map()

/** What a record tells of a decision before any policy is asked: the same for each. */
export interface RecordedCase {
  readonly record: DecisionRecord
  readonly request: AccessRequest
  readonly reading: PathReading
  /** Undefined where no token was admitted. */
  readonly identity: Identity | undefined
}

/** Reads a record for policies to decide on. */
export function recordedCase(record: DecisionRecord): RecordedCase {
  const request = recordedRequest(record)
  return {
    record,
    request,
    reading: readPath(request.path),
    identity: recordedIdentity(record),
  }
}

/** The request that a record describes: of its headers it holds those that name the tenant. */
function recordedRequest(record: DecisionRecord): AccessRequest {
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
function recordedIdentity({ token, user_id: subject }: DecisionRecord): Identity | undefined {
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
export function recordedFact(fact: NonNullable<DecisionRecord['fact']>): Fact {
  const dynamic = Object.entries(fact.dynamic)
  return {
    user: fact.user,
    banned: fact.banned,
    rows: fact.rows,
    dynamic: dynamic.length === 0 ? noRoles : new Map(dynamic),
    platformRoles: fact.platform_roles,
    source: fact.source,
    verifiedAtMs: -fact.age_ms,
  }
}
