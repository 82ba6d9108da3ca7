import { isId } from './id.ts'

/** Whose roles an event says have changed; at least one of the two is known. */
export interface Change {
  /** null: every user of the organization. */
  readonly user: string | null
  /** null: every organization of the user. */
  readonly organization: string | null
}

/** The subjects of contract section 6. Others under `member.`, `user.`, `organization.` count too. */
export const knownSubjects = [
  'member.role.changed',
  'member.removed',
  'member.added',
  'user.banned',
  'user.unbanned',
  'user.role.changed',
  'user.deleted',
  'organization.role.changed',
  'organization.deleted',
] as const

const known: ReadonlySet<string> = new Set(knownSubjects)

/** A subject as a metric label: itself where it is known, else `other`, so that labels stay few. */
export function subjectLabel(subject: string): string {
  return known.has(subject) ? subject : 'other'
}

const maxBytes = 64 * 1024
const userKeys = ['userId', 'user_id']
const organizationKeys = ['organizationId', 'orgId', 'org_id', 'organization_id']

/** An id that is there, that is not, or of which cannot be told what it is. */
type Reading = { readonly id: string | null } | 'unreadable'

/**
 * Reads an event (contract section 6): a JSON object that names a user, an organization or both, as
 * it is or in a CloudEvents envelope (structured mode). Where only one of two ids can be read, the
 * change is of all that one's pairs: too wide costs reads, too narrow would miss a revocation.
 */
export function readChange(data: Uint8Array | string): Change | { readonly why: string } {
  if (data.length > maxBytes) return { why: `it is longer than ${maxBytes} bytes` }
  const parsed = parse(data)
  if (parsed === undefined) return { why: 'it is no JSON in UTF-8' }
  const body = withoutEnvelope(parsed)
  if (!isObject(body)) return { why: 'it is no JSON object' }
  const user = readId(body, userKeys)
  const organization = readId(body, organizationKeys)
  const change = { user: idOf(user), organization: idOf(organization) }
  if (change.user !== null || change.organization !== null) return change
  const there = user === 'unreadable' || organization === 'unreadable'
  return { why: there ? 'its ids cannot be read' : 'it names no user and no organization' }
}

/** The value of a JSON text, undefined where it is none. */
function parse(data: Uint8Array | string): unknown {
  try {
    const text =
      typeof data === 'string' ? data : new TextDecoder('utf-8', { fatal: true }).decode(data)
    return JSON.parse(text) as unknown
  } catch {
    return undefined // the text itself is left out of the reason: it is a stranger's
  }
}

/** The payload of a CloudEvents 1.0 envelope, whose `data` may also be JSON within a string. */
function withoutEnvelope(value: unknown): unknown {
  if (!isObject(value) || !Object.hasOwn(value, 'specversion') || !Object.hasOwn(value, 'data')) {
    return value
  }
  const { data } = value
  return typeof data === 'string' ? parse(data) : data
}

/** The id under any of these keys; two that differ cannot both be meant. */
function readId(body: Readonly<Record<string, unknown>>, keys: readonly string[]): Reading {
  let id: string | null = null
  for (const key of keys) {
    const value = Object.hasOwn(body, key) ? body[key] : null
    if (value === null) continue
    const text = typeof value === 'number' && Number.isSafeInteger(value) ? `${value}` : value
    if (!isId(text) || (id !== null && id !== text)) return 'unreadable'
    id = text
  }
  return { id }
}

function idOf(reading: Reading): string | null {
  return reading === 'unreadable' ? null : reading.id
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
