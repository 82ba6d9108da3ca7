import type { Fact } from '../domain/fact.ts'

/** Platform roles that see all and administer (contract section 7), read from `users.role`. */
const adminRoles: ReadonlySet<string> = new Set(['admin', 'superadmin'])

/** Never told from claims: what a token says of a role may be long out of date. */
export function isPlatformAdmin({ platformRoles, source }: Fact): boolean {
  return source !== 'claims' && platformRoles.some((role) => adminRoles.has(role))
}
