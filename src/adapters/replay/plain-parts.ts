import { readRecord } from '../../domain/read-record.ts'
import type { DecisionRecord } from '../../domain/record.ts'
import { RememberedParts } from './remembered-parts.ts'

type Token = NonNullable<DecisionRecord['token']>
type Fact = NonNullable<DecisionRecord['fact']>

/** What lines of one route have in common. */
export type PlainHead = Pick<DecisionRecord, 'reason' | 'policy' | 'route'>
/** What the tokens of one role have in common. */
export type PlainRoles = Pick<Token, 'org_roles' | 'platform_roles'>
/** What the facts of one role have in common. */
export type PlainFact = Omit<Fact, 'age_ms'>

const token: Token = {
  ...{ alg: '', kid: null, iat: null, exp: 0, organization_id: null },
  ...{ org_roles: [], platform_roles: [] },
}
const fact: Fact = {
  ...{ source: 'memory', rows: [], dynamic: {}, platform_roles: [] },
  ...{ banned: false, user: true, age_ms: 0 },
}
/** A record that a part is put into, to be judged by what judges whole ones. */
const around: DecisionRecord = {
  ...{ type: 'decision', decision_id: '', timestamp: '', decision: 'allow', reason: 'granted' },
  ...{ status: 200, mode: 'enforce', policy: '', route: null, permission: [] },
  ...{ method: '', host: '', path: null, user_id: '', organization_id: null, tenant: null },
  ...{ token, fact, extensions: null, request_id: null, trace_id: null, duration_us: 0, worker: 0 },
}

/** Makes what reads the parts of a line that other lines hold too. */
export function createPlainParts() {
  return {
    /** From `decision` to `permission`. */
    head: new RememberedParts<PlainHead>((text) => {
      const fields = ['decision', 'reason', 'status', 'mode', 'policy', 'route', 'permission']
      const record = recordWith(fieldsOf(text, fields))
      return record && { reason: record.reason, policy: record.policy, route: record.route }
    }),
    /** The roles of a token. */
    roles: new RememberedParts<PlainRoles>((text) => {
      const roles = fieldsOf(text, ['org_roles', 'platform_roles'])
      return recordWith(roles && { token: { ...token, ...roles } })?.token ?? undefined
    }),
    /** A fact but for its age. */
    fact: new RememberedParts<PlainFact>((text) => {
      const names = ['source', 'rows', 'dynamic', 'platform_roles', 'banned', 'user']
      const fields = fieldsOf(text, names)
      return recordWith(fields && { fact: { ...fact, ...fields } })?.fact ?? undefined
    }),
    tenantHeaders: new RememberedParts((text) => {
      const headers = objectOf(text)
      return recordWith(headers && { tenant_headers: headers })?.tenant_headers
    }),
    extensions: new RememberedParts((text) => {
      const extensions = objectOf(text)
      return recordWith(extensions && { extensions })?.extensions ?? undefined
    }),
  }
}

function recordWith(fields: object | undefined): DecisionRecord | undefined {
  if (fields === undefined) return undefined
  const line = readRecord({ ...around, ...fields })
  return line.kind === 'decision' ? line.record : undefined
}

/** The members of an object, if they are these and no other. */
function fieldsOf(members: string, names: readonly string[]): object | undefined {
  const fields = objectOf(`{${members}}`)
  return fields !== undefined && Object.keys(fields).join() === names.join() ? fields : undefined
}

function objectOf(text: string): object | undefined {
  try {
    const value = JSON.parse(text) as unknown
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}
