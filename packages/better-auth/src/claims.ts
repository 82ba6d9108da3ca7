import type { AuthContext } from 'better-auth'

/** What the jwt plugin hands to `definePayload`. */
interface TokenSubject {
  readonly user: Readonly<Record<string, unknown>> & { readonly id: string }
  readonly session: Readonly<Record<string, unknown>>
}

type DefinePayload = (subject: TokenSubject) => Claims | Promise<Claims>
type Claims = Record<string, unknown>

const ownClaims = new Set(['organizationId', 'orgRole'])

interface Member {
  readonly organizationId: string
  readonly role: string
}

/** What of a plugin's options is looked at, or set. */
interface JwtOptions {
  jwt?: { readonly definePayload?: DefinePayload; readonly sign?: unknown }
}

/**
 * Has the tokens of the jwt plugin carry `organizationId`, `orgRole` and `role`, beside what the
 * user's own `definePayload` gives.
 * @throws Error where the jwt plugin is missing or was written without options.
 */
export function defineClaims(context: AuthContext): void {
  const plugin = context.options.plugins?.find(({ id }) => id === 'jwt')
  if (plugin === undefined) {
    throw new Error(
      'tenantgate({ definePayload: true }) needs the jwt plugin: add jwt({}) to plugins',
    )
  }
  const options = plugin.options as JwtOptions | undefined
  if (options === undefined) {
    throw new Error(
      'tenantgate({ definePayload: true }) cannot reach jwt(), whose tokens would hold the whole user row: write jwt({})',
    )
  }
  const own = options.jwt?.definePayload
  options.jwt = { ...options.jwt, definePayload: createClaims(context, own) }
}

function createClaims(context: AuthContext, own: DefinePayload | undefined): DefinePayload {
  const organizations = context.options.plugins?.some(({ id }) => id === 'organization') ?? false
  return async (subject) => {
    const { session, user } = subject
    const others = Object.entries((await own?.(subject)) ?? {})
    return {
      // Without these two, also where they are left out below: nothing else may stand in for them.
      ...Object.fromEntries(others.filter(([name]) => !organizations || !ownClaims.has(name))),
      ...(typeof user['role'] === 'string' && { role: user['role'] }),
      ...(organizations && (await membership(context, user.id, session['activeOrganizationId']))),
    }
  }
}

/** The active organization, else the only one; neither where the user is no member, or of several. */
async function membership(
  { adapter }: AuthContext,
  userId: string,
  active: unknown,
): Promise<Claims> {
  const chosen = typeof active === 'string' && active !== '' ? active : undefined
  const where = [
    { field: 'userId', value: userId },
    ...(chosen === undefined ? [] : [{ field: 'organizationId', value: chosen }]),
  ]
  const rows = await adapter.findMany<Member>({ model: 'member', where, limit: 100 })
  const [first] = rows
  if (first === undefined) return {}
  const organizationId = chosen ?? first.organizationId
  if (rows.some((row) => row.organizationId !== organizationId)) return {}
  // Better Auth may hold several rows of one membership: only what all of them say is granted.
  const [roles = [], ...more] = rows.map(({ role }) => splitRoles(role))
  const common = roles.filter((role) => more.every((others) => others.includes(role)))
  return { organizationId, ...(common.length > 0 && { orgRole: common.join(',') }) }
}

function splitRoles(text: string): readonly string[] {
  const roles = text.split(',').map((role) => role.trim())
  return [...new Set(roles.filter((role) => role !== ''))]
}
