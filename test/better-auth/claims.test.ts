import { betterAuth } from 'better-auth'
import { memoryAdapter } from 'better-auth/adapters/memory'
import { bearer, jwt, organization } from 'better-auth/plugins'
import { decodeJwt } from 'jose'
import { describe, expect, it } from 'vitest'
import { tenantgate } from '../../packages/better-auth/src/index.ts'

type JwtPlugin = ReturnType<typeof jwt>

const verify = async ({ hash, password }: { hash: string; password: string }) => hash === password

/** Somebody of these memberships, and the claims of a token of theirs. */
async function claimsOf(
  memberships: Readonly<Record<string, readonly string[]>>,
  {
    active,
    jwtPlugin = jwt({}),
  }: { readonly active?: string; readonly jwtPlugin?: JwtPlugin } = {},
) {
  const tables: Record<string, Record<string, unknown>[]> = {
    ...{ user: [], session: [], account: [], verification: [], jwks: [] },
    ...{ organization: [], member: [], invitation: [] },
  }
  const auth = betterAuth({
    baseURL: 'http://localhost:3005',
    secret: 'a secret of the tests with more than 32 characters',
    database: memoryAdapter(tables),
    emailAndPassword: { enabled: true, password: { hash: async (text) => text, verify } },
    telemetry: { enabled: false },
    logger: { disabled: true },
    plugins: [
      organization(),
      jwtPlugin,
      bearer(),
      tenantgate({ definePayload: true, relay: false }),
    ],
  })
  const body = { name: 'a', email: 'a@example.com', password: 'correct horse battery staple' }
  const { token: session, user } = await auth.api.signUpEmail({ body })
  for (const [organizationId, roles] of Object.entries(memberships)) {
    for (const role of roles) {
      const id = `m${tables['member']?.length ?? 0}`
      tables['member']?.push({ id, organizationId, userId: user.id, role, createdAt: new Date() })
    }
  }
  const [row] = tables['session'] ?? []
  if (row !== undefined && active !== undefined) row['activeOrganizationId'] = active
  const headers = new Headers({ authorization: `Bearer ${session ?? ''}` })
  const { iat, exp, iss, aud, sub, ...claims } = decodeJwt(
    (await auth.api.getToken({ headers })).token,
  )
  expect([sub, iss, aud, typeof iat, typeof exp]).toEqual([
    ...[user.id, 'http://localhost:3005', 'http://localhost:3005', 'number', 'number'],
  ])
  return claims
}

describe('definePayload', () => {
  it.each([
    { name: 'nowhere', memberships: {}, claims: {} },
    {
      name: 'of one organization, none active',
      memberships: { o1: ['staff'] },
      claims: { organizationId: 'o1', orgRole: 'staff' },
    },
    { name: 'of two, none active', memberships: { o1: ['staff'], o2: ['owner'] }, claims: {} },
    {
      name: 'of two, one active',
      memberships: { o1: ['staff'], o2: ['owner'] },
      active: 'o2',
      claims: { organizationId: 'o2', orgRole: 'owner' },
    },
    {
      name: 'no longer of the active one',
      memberships: { o1: ['staff'] },
      active: 'o2',
      claims: {},
    },
    {
      name: 'several roles, with spaces',
      memberships: { o1: ['staff, viewer,staff'] },
      claims: { organizationId: 'o1', orgRole: 'staff,viewer' },
    },
    {
      name: 'two rows for one membership: what both say',
      memberships: { o1: ['staff,viewer', 'viewer,admin'] },
      claims: { organizationId: 'o1', orgRole: 'viewer' },
    },
    {
      name: 'two rows that have nothing in common',
      memberships: { o1: ['staff', 'viewer'] },
      claims: { organizationId: 'o1' },
    },
  ])('$name', async ({ active, claims, memberships }) => {
    expect(
      await claimsOf(memberships as Readonly<Record<string, readonly string[]>>, {
        ...(active !== undefined && { active }),
      }),
    ).toEqual(claims)
  })

  it("keeps what the user's own gives, though not in the place of these", async () => {
    const own = jwt({
      jwt: { definePayload: async ({ user }) => ({ email: user.email, orgRole: 'owner' }) },
    })
    expect(await claimsOf({ o1: ['staff'] }, { jwtPlugin: own })).toEqual({
      ...{ email: 'a@example.com', organizationId: 'o1', orgRole: 'staff' },
    })
  })

  it("leaves out what the user's own gives of an organization it is not in", async () => {
    const own = jwt({ jwt: { definePayload: () => ({ organizationId: 'o2', orgRole: 'owner' }) } })
    expect(await claimsOf({}, { jwtPlugin: own })).toEqual({})
  })

  it('refuses to start where it would have no effect', async () => {
    await expect(claimsOf({}, { jwtPlugin: jwt() })).rejects.toThrow('write jwt({})')
  })
})
