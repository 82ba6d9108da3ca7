/** `{ emailVerified: 'email_verified', … }` */
function snake<const N extends string>(...names: N[]): Record<N, string> {
  const column = (name: string) => name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`)
  return Object.fromEntries(names.map((name) => [name, column(name)])) as Record<N, string>
}

/** Better Auth's core tables, plural and in snake_case. */
export const CORE_TABLES = {
  user: { modelName: 'users', fields: snake('emailVerified', 'createdAt', 'updatedAt') },
  session: {
    modelName: 'sessions',
    fields: snake('expiresAt', 'createdAt', 'updatedAt', 'ipAddress', 'userAgent', 'userId'),
  },
  account: {
    modelName: 'accounts',
    fields: snake(
      ...(['accountId', 'providerId', 'userId', 'accessToken', 'refreshToken', 'idToken'] as const),
      ...(['accessTokenExpiresAt', 'refreshTokenExpiresAt', 'createdAt', 'updatedAt'] as const),
    ),
  },
  verification: {
    modelName: 'verifications',
    fields: snake('expiresAt', 'createdAt', 'updatedAt'),
  },
}

export const ORGANIZATION_TABLES = {
  session: { fields: snake('activeOrganizationId', 'activeTeamId') },
  organization: { modelName: 'organizations', fields: snake('createdAt') },
  member: {
    modelName: 'members',
    fields: snake('organizationId', 'userId', 'createdAt'),
    additionalFields: {
      managerId: { type: 'string', required: false, fieldName: 'manager_id' },
      departmentId: { type: 'string', required: false, fieldName: 'department_id' },
    },
  },
  invitation: {
    modelName: 'invitations',
    fields: snake('organizationId', 'teamId', 'inviterId', 'expiresAt', 'createdAt'),
  },
  team: {
    modelName: 'teams',
    fields: snake('organizationId', 'memberCount', 'createdAt', 'updatedAt'),
  },
  teamMember: {
    modelName: 'team_members',
    fields: snake('teamId', 'userId', 'membershipKey', 'createdAt'),
  },
  organizationRole: {
    modelName: 'organization_roles',
    fields: snake('organizationId', 'createdAt', 'updatedAt'),
  },
} as const

export const ADMIN_TABLES = {
  user: { fields: snake('banReason', 'banExpires') },
  session: { fields: snake('impersonatedBy') },
}

export const JWT_TABLES = {
  jwks: { modelName: 'jwks', fields: snake('publicKey', 'privateKey', 'createdAt', 'expiresAt') },
}

export const ANONYMOUS_TABLES = { user: { fields: snake('isAnonymous') } }
