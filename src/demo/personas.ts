import type { BetterAuthServer } from './better-auth-server.ts'

export type OrganizationName = 'acme' | 'globex'
export type RoleName = 'owner' | 'admin' | 'staff' | 'viewer'

export interface Persona {
  /** As `acme-staff`, `superadmin`. */
  readonly name: string
  readonly userId: string
  readonly organizationId: string | null
  /** Id of the `members` row, which Better Auth's update-member-role wants. */
  readonly memberId: string | null
  readonly email: string
  /** The JWT of /api/auth/token. */
  readonly token: string
  /** Better Auth's own, opaque session token. Of the banned user: no longer valid. */
  readonly session: string
}

type Staff = Readonly<Record<RoleName, Persona>>

export interface Personas {
  /** Organization ids. */
  readonly organizations: Readonly<Record<OrganizationName, string>>
  readonly acme: Staff
  readonly globex: Staff
  /** Was staff of acme when its token was issued; the token itself is still valid. */
  readonly banned: Persona
  /** users.role superadmin, member of nothing. */
  readonly superadmin: Persona
  /** A user without any organization. */
  readonly outsider: Persona
  readonly all: readonly Persona[]
}

const PASSWORD = 'correct horse battery staple'
const EMPLOYEES = ['admin', 'staff', 'viewer'] as const

interface Account {
  readonly name: string
  readonly email: string
  readonly userId: string
  readonly session: string
}

interface Session {
  readonly token: string
  readonly user: { readonly id: string }
}

const emailOf = (name: string) => `${name}@example.com`

async function signUp({ call }: BetterAuthServer, name: string): Promise<Account> {
  const email = emailOf(name)
  const body = { name, email, password: PASSWORD }
  const { token, user } = await call<Session>('/sign-up/email', { body })
  return { name, email, userId: user.id, session: token }
}

/** Nobody is there yet who could give a platform role over HTTP: the server itself does. */
async function createSuperadmin({ auth, call }: BetterAuthServer): Promise<Account> {
  const name = 'superadmin'
  const email = emailOf(name)
  const body = { name, email, password: PASSWORD }
  await auth.api.createUser({ body: { ...body, role: 'superadmin' } })
  const { token, user } = await call<Session>('/sign-in/email', { body })
  return { name, email, userId: user.id, session: token }
}

interface Place {
  readonly organizationId: string
  readonly memberId: string
}

/** Better Auth caches nothing of it here: the token says what the tables say now. */
export async function issueToken(
  { call }: Pick<BetterAuthServer, 'call'>,
  session: string,
): Promise<string> {
  const { token } = await call<{ token: string }>('/token', { session })
  return token
}

async function toPersona(
  server: BetterAuthServer,
  account: Account,
  place?: Place,
): Promise<Persona> {
  const { session } = account
  const { organizationId = null, memberId = null } = place ?? {}
  if (organizationId !== null) {
    await server.call('/organization/set-active', { body: { organizationId }, session })
  }
  return { ...account, organizationId, memberId, token: await issueToken(server, session) }
}

async function join(
  server: BetterAuthServer,
  account: Account,
  organizationId: string,
  role: RoleName,
): Promise<Persona> {
  const body = { organizationId, userId: account.userId, role }
  const member = await server.auth.api.addMember({ body })
  return toPersona(server, account, { organizationId, memberId: member.id })
}

interface CreatedOrganization {
  readonly id: string
  readonly members: readonly { readonly id: string }[]
}

async function createOrganization(server: BetterAuthServer, slug: OrganizationName) {
  const [founder, ...employees] = await Promise.all(
    (['owner', ...EMPLOYEES] as const).map((role) => signUp(server, `${slug}-${role}`)),
  )
  if (founder === undefined) throw new Error('no founder')
  const { id, members } = await server.call<CreatedOrganization>('/organization/create', {
    body: { name: slug, slug },
    session: founder.session,
  })
  const place = { organizationId: id, memberId: members[0]?.id ?? '' }
  const owner = toPersona(server, founder, place)
  const joined = employees.map((account, i) => join(server, account, id, EMPLOYEES[i] ?? 'viewer'))
  const [first, ...others] = await Promise.all([owner, ...joined])
  return { id, staff: { owner: first, ...toStaff(others) } }
}

function toStaff(personas: readonly Persona[]) {
  const entries = EMPLOYEES.map((role, i) => [role, personas[i]])
  return Object.fromEntries(entries) as Record<(typeof EMPLOYEES)[number], Persona>
}

/** Fills an empty Better Auth with two organizations and their people, through its own API. */
export async function createPersonas(server: BetterAuthServer): Promise<Personas> {
  const [acme, globex, rogue, outsider, superadmin] = await Promise.all([
    createOrganization(server, 'acme'),
    createOrganization(server, 'globex'),
    signUp(server, 'banned'),
    signUp(server, 'outsider').then((account) => toPersona(server, account)),
    createSuperadmin(server).then((account) => toPersona(server, account)),
  ])
  const banned = await join(server, rogue, acme.id, 'staff')
  const body = { userId: banned.userId, banReason: 'demo' }
  await server.call('/admin/ban-user', { body, session: superadmin.session })

  const { staff: acmeStaff } = acme
  const { staff: globexStaff } = globex
  const people = [...Object.values<Persona>(acmeStaff), ...Object.values<Persona>(globexStaff)]
  return {
    organizations: { acme: acme.id, globex: globex.id },
    acme: acmeStaff,
    globex: globexStaff,
    banned,
    superadmin,
    outsider,
    all: [...people, banned, superadmin, outsider],
  }
}
