/** `{ emailVerified: 'email_verified', … }` */
function snake<const N extends string>(...names: N[]): Record<N, string> {
  const column = (name: string) => name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`)
  return Object.fromEntries(names.map((name) => [name, column(name)])) as Record<N, string>
}

/** Better Auth's tables under the names that tenantgate reads: plural, in snake_case. */
export const tables = {
  core: {
    user: { modelName: 'users', fields: snake('emailVerified', 'createdAt', 'updatedAt') },
    session: {
      modelName: 'sessions',
      fields: snake('expiresAt', 'createdAt', 'updatedAt', 'ipAddress', 'userAgent', 'userId'),
    },
    account: {
      modelName: 'accounts',
      fields: snake(
        ...(['accountId', 'providerId', 'userId', 'accessToken', 'refreshToken'] as const),
        ...(['idToken', 'accessTokenExpiresAt', 'refreshTokenExpiresAt'] as const),
        ...(['createdAt', 'updatedAt'] as const),
      ),
    },
    verification: {
      modelName: 'verifications',
      fields: snake('expiresAt', 'createdAt', 'updatedAt'),
    },
  },
  organization: {
    session: { fields: snake('activeOrganizationId') },
    organization: { modelName: 'organizations', fields: snake('createdAt') },
    member: { modelName: 'members', fields: snake('organizationId', 'userId', 'createdAt') },
    invitation: {
      modelName: 'invitations',
      fields: snake('organizationId', 'inviterId', 'expiresAt', 'createdAt'),
    },
    organizationRole: {
      modelName: 'organization_roles',
      fields: snake('organizationId', 'createdAt', 'updatedAt'),
    },
  },
  admin: {
    user: { fields: snake('banReason', 'banExpires') },
    session: { fields: snake('impersonatedBy') },
  },
  jwt: {
    jwks: {
      modelName: 'jwks',
      fields: snake('publicKey', 'privateKey', 'createdAt', 'expiresAt'),
    },
  },
  anonymous: { user: { fields: snake('isAnonymous') } },
} as const
