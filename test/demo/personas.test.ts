import { createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BetterAuthServer, startBetterAuth } from '../../src/demo/better-auth-server.ts'
import { createPersonas, issueToken, type Personas } from '../../src/demo/personas.ts'
import { freshDatabase } from '../support/servers.ts'

const SECRET = 'a secret of thirty-two characters or more'

describe.each(['EdDSA', 'HS256'] as const)('personas with %s tokens', (tokens) => {
  let server: BetterAuthServer
  let personas: Personas
  const events: [string, Readonly<Record<string, unknown>>][] = []

  beforeAll(async () => {
    const publish = async (subject: string, event: Readonly<Record<string, unknown>>) => {
      events.push([subject, event])
    }
    const databaseUrl = await freshDatabase('better_auth')
    server = await startBetterAuth({ databaseUrl, secret: SECRET, tokens, publish })
    personas = await createPersonas(server)
  })
  afterAll(() => server.close())

  async function claimsOf(token: string) {
    const options = { issuer: server.baseURL, audience: server.baseURL }
    if (tokens === 'HS256') {
      return (await jwtVerify(token, new TextEncoder().encode(SECRET), options)).payload
    }
    const keys = createLocalJWKSet(await server.call<JSONWebKeySet>('/jwks'))
    return (await jwtVerify(token, keys, options)).payload
  }

  it('signs tokens with the algorithm asked for', async () => {
    const { alg, kid } = decodeProtectedHeader(personas.acme.staff.token)
    expect(alg).toBe(tokens)
    expect(kid === undefined).toBe(tokens === 'HS256')
    expect((await fetch(server.jwksUrl)).status).toBe(tokens === 'HS256' ? 404 : 200)
  })

  it.each(['acme', 'globex'] as const)('gives the people of %s their roles', async (name) => {
    const organizationId = personas.organizations[name]
    for (const role of ['owner', 'admin', 'staff', 'viewer'] as const) {
      const person = personas[name][role]
      expect(person).toMatchObject({ name: `${name}-${role}`, organizationId })
      expect(await claimsOf(person.token)).toMatchObject({
        sub: person.userId,
        organizationId,
        orgRole: role,
        role: 'user',
      })
    }
  })

  it('has two organizations and eleven different users', () => {
    expect(personas.organizations.acme).not.toBe(personas.organizations.globex)
    expect(new Set(personas.all.map(({ userId }) => userId)).size).toBe(11)
  })

  it('gives the superadmin a platform role and no organization', async () => {
    const claims = await claimsOf(personas.superadmin.token)
    expect(claims).toMatchObject({ role: 'superadmin', organizationId: null, orgRole: null })
  })

  it('gives the outsider neither', async () => {
    const claims = await claimsOf(personas.outsider.token)
    expect(claims).toMatchObject({ role: 'user', organizationId: null, orgRole: null })
  })

  it('bans a user whose token goes on being valid', async () => {
    const { token, session, userId } = personas.banned
    expect(await claimsOf(token)).toMatchObject({ sub: userId, orgRole: 'staff' })
    await expect(issueToken(server, session)).rejects.toThrow(/401/)
    expect(events).toContainEqual(['user.banned', { userId }])
  })

  it('publishes a role change, which the next token shows', async () => {
    const { memberId, userId, session } = personas.globex.staff
    const organizationId = personas.organizations.globex
    await server.call('/organization/update-member-role', {
      body: { memberId, organizationId, role: 'viewer' },
      session: personas.globex.owner.session,
    })
    const event = { userId, organizationId, role: 'viewer' }
    expect(events.at(-1)).toEqual(['member.role.changed', event])
    expect(await claimsOf(await issueToken(server, session))).toMatchObject({ orgRole: 'viewer' })
  })

  it('publishes a removal', async () => {
    const { memberId, userId } = personas.globex.viewer
    const organizationId = personas.organizations.globex
    await server.call('/organization/remove-member', {
      body: { memberIdOrEmail: memberId, organizationId },
      session: personas.globex.owner.session,
    })
    expect(events.at(-1)).toEqual(['member.removed', { userId, organizationId, role: 'viewer' }])
  })
})
