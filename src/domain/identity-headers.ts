import { assertionHeader, decisionIdHeader } from './injected-headers.ts'
import type { IdentityHeaders } from './policy.ts'

/** Every header that tenantgate may set for an upstream, and that no client may send. */
export function identityHeaderNames(headers: IdentityHeaders): readonly string[] {
  const { organizationId, organizationRole, userId, userRole } = headers
  const names = [userId, organizationId, organizationRole, userRole]
  return [...new Set([...names, decisionIdHeader, assertionHeader])]
}
