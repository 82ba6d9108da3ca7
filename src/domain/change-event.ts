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

/**
 * What a subject says of how far an event reaches, whatever else the event names: `user.…` is of all
 * the user's pairs, `organization.…` of all the organization's. A publisher may well add the active
 * organization, or who did it.
 */
export function reachOf(subject: string, change: Change): Change {
  const { organization, user } = change
  if (user !== null && subject.startsWith('user.')) return { user, organization: null }
  if (organization !== null && subject.startsWith('organization.')) {
    return { user: null, organization }
  }
  return change
}

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

/**
 * The payload of a CloudEvents 1.0 envelope; its `data` may also be JSON within a string, or in
 * base64 (`data_base64`, JSON event format section 3.1.1).
 */
function withoutEnvelope(value: unknown): unknown {
  if (!isObject(value) || !Object.hasOwn(value, 'specversion')) return value
  if (Object.hasOwn(value, 'data')) {
    const { data } = value
    return typeof data === 'string' ? parse(data) : data
  }
  const { data_base64: encoded } = value
  return typeof encoded === 'string' ? parse(bytesOf(encoded)) : value
}

/** The bytes of a base64 text; none where it is not base64. */
function bytesOf(base64: string): Uint8Array {
  try {
    return Uint8Array.fromBase64(base64)
  } catch {
    return new Uint8Array()
  }
}

const upperCaseUuid = /^(?=.*[A-F])[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$/

/**
 * The spellings under which a change counts: an upper-case UUID also as PostgreSQL writes it, since
 * other languages print them that way.
 */
export function spellingsOf(change: Change): readonly Change[] {
  const user = canonical(change.user)
  const organization = canonical(change.organization)
  return user === change.user && organization === change.organization
    ? [change]
    : [change, { user, organization }]
}

function canonical(id: string | null): string | null {
  return id !== null && upperCaseUuid.test(id) ? id.toLowerCase() : id
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
