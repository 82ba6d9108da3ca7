import type { Fact } from '../domain/fact.ts'
import type { VerifiedToken } from '../domain/identity.ts'
import type { PolicyPath, PolicyReader } from '../domain/policy-reader.ts'
import type { AccessRequest } from '../domain/request.ts'

/** Whom a policy case or `explain` acts as; null: nobody, without a token. */
export type SimulatedSubject = {
  readonly user: string
  readonly organization: string | null
  readonly roles: readonly string[]
  readonly platformRoles: readonly string[]
  readonly member: boolean
  readonly banned: boolean
  readonly exists: boolean
  readonly dynamicRoles: ReadonlyMap<string, readonly string[]>
  /** Claims that replace or add to those that follow from the rest. */
  readonly claims: Readonly<Record<string, unknown>>
} | null

const subjectKeys = [
  'user',
  'organization',
  'roles',
  'platformRoles',
  'member',
  'banned',
  'exists',
  'dynamicRoles',
  'claims',
]

/** Reads a subject as policy cases write it (contract section 3): `anonymous`, or a mapping. */
export function readSubject(
  reader: PolicyReader,
  value: unknown,
  path: PolicyPath,
): SimulatedSubject | undefined {
  if (value === 'anonymous') return null
  if (typeof value !== 'object') {
    reader.fault(path, 'write anonymous, or { user: u1, organization: org-a, roles: [staff] }')
    return undefined
  }
  const entries = reader.mapping(value, path)
  if (entries === undefined) return undefined
  reader.onlyKeys(entries, path, subjectKeys)
  const user = reader.text(entries.get('user'), [...path, 'user'], 'the id of a user')
  const organization = entries.has('organization')
    ? reader.text(
        entries.get('organization'),
        [...path, 'organization'],
        'the id of an organization',
      )
    : undefined
  const roles = readList(reader, entries, [...path, 'roles'])
  if (roles !== undefined && organization === undefined) {
    reader.fault([...path, 'roles'], 'roles are held in an organization: add organization')
  }
  if (user === undefined) return undefined
  return {
    user,
    organization: organization ?? null,
    roles: roles ?? [],
    platformRoles: readList(reader, entries, [...path, 'platformRoles']) ?? ['user'],
    member: readFlag(reader, entries, [...path, 'member']) ?? organization !== undefined,
    banned: readFlag(reader, entries, [...path, 'banned']) ?? false,
    exists: readFlag(reader, entries, [...path, 'exists']) ?? true,
    dynamicRoles: readDynamicRoles(reader, entries, [...path, 'dynamicRoles']),
    claims: Object.fromEntries(
      entries.has('claims')
        ? (reader.mapping(entries.get('claims'), [...path, 'claims']) ?? [])
        : [],
    ),
  }
}

function readList(
  reader: PolicyReader,
  entries: ReadonlyMap<string, unknown>,
  path: PolicyPath,
): readonly string[] | undefined {
  const key = String(path.at(-1))
  if (!entries.has(key)) return undefined
  return reader.texts(entries.get(key), path, { what: 'roles', single: true }).map((r) => r.text)
}

function readFlag(
  reader: PolicyReader,
  entries: ReadonlyMap<string, unknown>,
  path: PolicyPath,
): boolean | undefined {
  const value = entries.get(String(path.at(-1)))
  if (value === undefined || typeof value === 'boolean') return value
  reader.fault(path, 'expected true or false')
  return undefined
}

function readDynamicRoles(
  reader: PolicyReader,
  entries: ReadonlyMap<string, unknown>,
  path: PolicyPath,
): ReadonlyMap<string, readonly string[]> {
  if (!entries.has('dynamicRoles')) return new Map()
  const roles = reader.mapping(entries.get('dynamicRoles'), path) ?? new Map<string, unknown>()
  return new Map(
    [...roles].map(([role, list]) => [
      role,
      reader.texts(list, [...path, role], { what: 'permissions' }).map(({ text }) => text),
    ]),
  )
}

const tokenLifetimeS = 900

/** The token that a subject would carry. */
export function tokenOf(subject: NonNullable<SimulatedSubject>, nowMs: number): VerifiedToken {
  const nowS = Math.floor(nowMs / 1000)
  return {
    header: { alg: 'HS256', typ: 'JWT' },
    claims: {
      sub: subject.user,
      organizationId: subject.organization,
      orgRole: subject.member ? subject.roles.join(',') : null,
      role: subject.platformRoles.join(','),
      iat: nowS,
      exp: nowS + tokenLifetimeS,
      ...subject.claims,
    },
  }
}

/** The fact that PostgreSQL would give of a subject in an organization. */
export function factOf(
  subject: NonNullable<SimulatedSubject>,
  organization: string | null,
  nowMs: number,
): Fact {
  const here = subject.member && organization !== null && organization === subject.organization
  return {
    user: subject.exists,
    banned: subject.banned,
    rows: here && subject.exists ? [subject.roles] : [],
    dynamic: here ? subject.dynamicRoles : new Map(),
    platformRoles: subject.exists ? subject.platformRoles : [],
    source: 'postgres',
    verifiedAtMs: nowMs,
  }
}

/** Stands for the token of a simulated subject; it is never verified. */
export const simulatedToken = 'simulated.simulated.simulated'

/** What a simulated request says. */
export interface SimulatedRequest {
  readonly method: string
  readonly path: string
  readonly host: string
  readonly headers: ReadonlyMap<string, string>
  readonly extensions: ReadonlyMap<string, string>
}

/** The request that a gateway would describe, with the subject's token in it. */
export function accessRequestOf(
  request: SimulatedRequest,
  subject: SimulatedSubject,
): AccessRequest {
  const { headers } = request
  return {
    ...request,
    header: (name) =>
      headers.get(name) ??
      (name === 'authorization' && subject !== null ? `Bearer ${simulatedToken}` : undefined),
  }
}
