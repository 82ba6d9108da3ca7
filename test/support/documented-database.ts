import { postgresPart, type PostgresDoctorDeps } from '../../src/adapters/postgres/doctor.ts'
import type { Finding } from '../../src/domain/finding.ts'
import { betterAuthTables, runSql, type TableFlavour } from './better-auth-tables.ts'
import { policyWith } from './builders.ts'
import { documentedSql, examinePart, runStatements } from './doctor.ts'
import { freshDatabase, uniqueName } from './servers.ts'

export const dynamicPolicy = policyWith([], ['dynamicRoles: true'])

/** Rows of every kind that are as they should be. */
export const rows = `
  INSERT INTO users (id, name, email, email_verified, role) VALUES
    ('u1', 'u', 'u1', true, 'user'), ('u2', 'u', 'u2', true, NULL), ('u3', 'u', 'u3', true, 'user,admin'),
    ('u4', 'u', 'u4', true, 'superadmin');
  INSERT INTO organizations (id, name, slug, created_at) VALUES ('o1', 'o', 'o1', now());
  INSERT INTO members (id, user_id, organization_id, role, created_at) VALUES
    ('m1', 'u1', 'o1', 'staff, viewer', now()), ('m2', 'u2', 'o1', 'lead', now());
  INSERT INTO organization_roles (id, organization_id, role, permission) VALUES
    ('r1', 'o1', 'lead', '{"leave":["approve"]}');`

/** A database to break, and the doctor that looks at it as tenantgate's own role. */
export interface Examined {
  readonly ownerUrl: string
  readonly role: string
  readonly examine: (deps?: Partial<PostgresDoctorDeps>) => Promise<readonly Finding[]>
}

/** Better Auth's tables with the role, the grants and the indexes of docs/doctor.md. */
export async function documentedDatabase(
  flavour: TableFlavour = { adapter: 'built-in', ids: 'text' },
): Promise<Examined> {
  const ownerUrl = await freshDatabase('doctor')
  await runSql(ownerUrl, betterAuthTables(flavour))
  const role = uniqueName('reader')
  const sql = documentedSql(role)
  await runStatements(
    ownerUrl,
    flavour.adapter === 'drizzle' ? sql.replaceAll(' jwks ', ' jwkss ') : sql,
  )
  const url = new URL(ownerUrl)
  url.username = role
  return {
    ownerUrl,
    role,
    examine: (deps) =>
      examinePart(
        postgresPart({
          url: url.href,
          policy: dynamicPolicy,
          keysInTable: true,
          now: Date.now,
          ...deps,
        }),
      ),
  }
}
