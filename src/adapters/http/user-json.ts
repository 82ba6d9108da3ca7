import type { User } from '../../ports/user-repository.ts'

/** A user as the API writes it (contract section 7). */
export function userJson({ banExpires, membership, ...user }: User) {
  return {
    ...user,
    banExpires: banExpires === null ? null : banExpires.toISOString(),
    organizationId: membership?.organizationId ?? null,
    orgRole: membership === null ? null : membership.roles.join(','),
    managerId: membership?.managerId ?? null,
    departmentId: membership?.departmentId ?? null,
  }
}
