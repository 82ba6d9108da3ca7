import { parseRoles } from '../../domain/roles.ts'
import type { Organization, OrganizationRepository } from '../../ports/organization-repository.ts'
import { idParameter } from './ids.ts'
import type { Database } from './pool.ts'
import type { SchemaReader } from './schema.ts'
import { createUsersOfOrganization } from './users-of-organization.ts'

/** Reads organizations and memberships from Better Auth's tables. */
export function createPostgresOrganizationRepository(deps: {
  readonly database: Database
  readonly schema: SchemaReader
}): OrganizationRepository {
  return {
    byId: (id) =>
      deps.schema.use(async ({ organizationIdType }) => {
        const [row] = await deps.database.query<Organization>({
          name: 'tenantgate_organization_by_id',
          text: 'SELECT o.id::text AS id, o.name, o.slug FROM organizations o WHERE o.id = $1',
          values: [idParameter(id, organizationIdType)],
        })
        return row
      }),
    membershipsOf: (userId, organizationId) =>
      deps.schema.use(async ({ organizationIdType, userIdType }) => {
        const rows = await deps.database.query<{ readonly role: string }>({
          name: 'tenantgate_memberships_of',
          text: `SELECT m.role::text AS role FROM members m
            WHERE m.user_id = $1 AND m.organization_id = $2 ORDER BY m.created_at, m.id`,
          values: [
            idParameter(userId, userIdType),
            idParameter(organizationId, organizationIdType),
          ],
        })
        return rows.map(({ role }) => ({ organizationId, userId, roles: parseRoles(role) }))
      }),
    usersOf: createUsersOfOrganization(deps),
  }
}
