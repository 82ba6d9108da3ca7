import { denyReasons, type Reason } from './decision.ts'
import type { PolicyDefinition } from './policy.ts'
import type { DecisionRecord } from './record.ts'

/** What a line of a decision log is. */
export type LogLine =
  | { readonly kind: 'decision'; readonly record: DecisionRecord }
  | {
      readonly kind: 'policy'
      readonly version: string
      /** As it stands in the line: neither its form nor its version is checked yet. */
      readonly definition: PolicyDefinition
    }
  /** Of another log that shares the stream. */
  | { readonly kind: 'other' }
  /** It says that it is a decision or a policy, and lacks what one has. */
  | { readonly kind: 'broken' }

type Fields = Readonly<Record<string, unknown>>

const other: LogLine = { kind: 'other' }
const broken: LogLine = { kind: 'broken' }
const reasons: ReadonlySet<unknown> = new Set<Reason>([...denyReasons, 'granted'])

/**
 * Reads a parsed line of a decision log, in tenantgate's own form or as an event of OPA that holds
 * it. Of a decision only what a replay rests on is looked at; a record of an older release lacks
 * newer fields and is read all the same.
 */
export function readRecord(value: unknown): LogLine {
  if (!isObject(value)) return other
  const { type } = value
  if (type === undefined) {
    const { custom } = value
    const inner = isObject(custom) ? custom['tenantgate'] : undefined
    return isObject(inner) && inner['type'] !== undefined ? readRecord(inner) : other
  }
  if (type === 'decision') {
    return isDecision(value) ? { kind: 'decision', record: value as never } : broken
  }
  if (type !== 'policy') return other
  const { definition, policy } = value
  if (typeof policy !== 'string' || !isObject(definition)) return broken
  return { kind: 'policy', version: policy, definition: definition as never }
}

function isDecision(record: Fields): boolean {
  const { reason, share } = record
  return (
    reasons.has(reason) &&
    record['decision'] === (reason === 'granted' ? 'allow' : 'deny') &&
    typeof record['decision_id'] === 'string' &&
    typeof record['timestamp'] === 'string' &&
    typeof record['policy'] === 'string' &&
    isTextOrNull(record['route']) &&
    typeof record['method'] === 'string' &&
    typeof record['host'] === 'string' &&
    isTextOrNull(record['path']) &&
    isTextOrNull(record['organization_id']) &&
    isTextOrNull(record['tenant']) &&
    isToken(record['token'], record['user_id']) &&
    isFact(record['fact']) &&
    (record['extensions'] === null || hasTexts(record['extensions'], isText)) &&
    isTenantHeaders(record['tenant_headers']) &&
    (share === undefined || (typeof share === 'number' && share > 0 && share <= 1))
  )
}

/** Whoever has a token has an id: the two are there together or not at all. */
function isToken(token: unknown, user: unknown): boolean {
  if (token === null) return user === null
  return (
    typeof user === 'string' &&
    isObject(token) &&
    typeof token['alg'] === 'string' &&
    isTextOrNull(token['kid']) &&
    (token['iat'] === null || typeof token['iat'] === 'number') &&
    typeof token['exp'] === 'number' &&
    isTextOrNull(token['organization_id']) &&
    isTexts(token['org_roles']) &&
    isTexts(token['platform_roles'])
  )
}

function isFact(fact: unknown): boolean {
  if (fact === null) return true
  if (!isObject(fact)) return false
  const { rows, source } = fact
  return (
    (source === 'postgres' || source === 'memory' || source === 'redis' || source === 'claims') &&
    Array.isArray(rows) &&
    rows.every(isTexts) &&
    hasTexts(fact['dynamic'], isTexts) &&
    isTexts(fact['platform_roles']) &&
    typeof fact['banned'] === 'boolean' &&
    typeof fact['user'] === 'boolean' &&
    typeof fact['age_ms'] === 'number'
  )
}

/** Left out where the policy reads no tenant from a header. */
function isTenantHeaders(headers: unknown): boolean {
  return headers === undefined || hasTexts(headers, isTextOrNull)
}

function hasTexts(value: unknown, isOne: (value: unknown) => boolean): boolean {
  if (!isObject(value)) return false
  for (const key in value) if (!isOne(value[key])) return false
  return true
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every(isText)
}

function isText(value: unknown): boolean {
  return typeof value === 'string'
}

function isTextOrNull(value: unknown): boolean {
  return value === null || typeof value === 'string'
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
