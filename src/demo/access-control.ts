import { missingInPackage } from './missing-module.ts'

/** Better Auth's access control of the demo platform: its roles and what they may do. */
export async function createRoles() {
  const [{ createAccessControl }, { defaultStatements, ownerAc, adminAc }] = await Promise.all([
    import('better-auth/plugins/access'),
    import('better-auth/plugins/organization/access'),
  ]).catch(missingInPackage('better-auth'))

  const ac = createAccessControl({
    ...defaultStatements,
    leave: ['create', 'read', 'approve'],
    member: [...defaultStatements.member, 'read'],
    report: ['export'],
  })
  const owner = ac.newRole({
    ...ownerAc.statements,
    leave: ['create', 'read', 'approve'],
    member: [...ownerAc.statements.member, 'read'],
    report: ['export'],
  })
  const admin = ac.newRole({
    ...adminAc.statements,
    leave: ['create', 'read', 'approve'],
    member: [...adminAc.statements.member, 'read'],
  })
  const staff = ac.newRole({ leave: ['create', 'read', 'approve'] })
  const viewer = ac.newRole({ leave: ['read'] })
  return { ac, roles: { owner, admin, staff, viewer } }
}
