import { SignJWT, type JWTPayload } from 'jose'
import type { Pool } from 'pg'

export type TokenKind = 'EdDSA' | 'HS256'

interface TokenUser {
  readonly id: string
  readonly email: string
  readonly role?: unknown
}

/** The claims that tenantgate reads: a snapshot, as of the time of issue. */
export function createClaims(pool: Pool) {
  return async ({ user, session }: { user: TokenUser; session: Record<string, unknown> }) => {
    // The session knows the active organization alone, not the role in it.
    const organizationId = session['activeOrganizationId'] ?? null
    const { rows } = await pool.query<{ role: string }>(
      'SELECT role FROM members WHERE organization_id = $1 AND user_id = $2',
      [organizationId, user.id],
    )
    const orgRole = rows[0]?.role ?? null
    return { email: user.email, role: user.role ?? null, organizationId, orgRole }
  }
}

/** Signs with the secret itself: Better Auth has no HS256 of its own. */
export function signWithSecret(secret: string) {
  const key = new TextEncoder().encode(secret)
  return (claims: JWTPayload) =>
    new SignJWT(claims).setProtectedHeader({ alg: 'HS256', typ: 'JWT' }).sign(key)
}
