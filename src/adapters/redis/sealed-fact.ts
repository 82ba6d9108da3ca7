import type { Fact } from '../../domain/fact.ts'

/** How many members a seal has: with each of them there and of its type, there is no other. */
const members = 6

/** What a seal says of a fact, and the version of the policy that its permissions are of. */
export function writeSealedFact(fact: Fact, policyVersion: string): string {
  return JSON.stringify({
    rows: fact.rows,
    dynamic: Object.fromEntries(fact.dynamic),
    platform_roles: fact.platformRoles,
    banned: fact.banned,
    verified_at: fact.verifiedAtMs,
    policy: policyVersion,
  })
}

/** The fact of a seal; undefined where any member is missing, too many or of another type. */
export function readSealedFact(json: string): Fact | undefined {
  const value = parseJson(json)
  if (!isObject(value)) return undefined
  if (Object.keys(value).length !== members) return undefined
  const { banned, platform_roles: platformRoles, policy, rows, verified_at: verifiedAtMs } = value
  const dynamic = readDynamic(value['dynamic'])
  if (!Array.isArray(rows) || !rows.every(isTextList) || !isTextList(platformRoles))
    return undefined
  if (dynamic === undefined || typeof banned !== 'boolean') return undefined
  if (typeof policy !== 'string' || typeof verifiedAtMs !== 'number') return undefined
  if (!Number.isFinite(verifiedAtMs) || verifiedAtMs < 0) return undefined
  return { user: true, banned, rows, dynamic, platformRoles, source: 'redis', verifiedAtMs }
}

/** JSON's value, or undefined where the text is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Whether this is a list of nothing but texts. */
export function isTextList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A map, for a role may be named `__proto__`; `JSON.parse` makes that an own member too. */
function readDynamic(value: unknown): ReadonlyMap<string, readonly string[]> | undefined {
  if (!isObject(value)) return undefined
  const roles = new Map<string, readonly string[]>()
  for (const [role, permissions] of Object.entries(value)) {
    if (!isTextList(permissions)) return undefined
    roles.set(role, permissions)
  }
  return roles
}
