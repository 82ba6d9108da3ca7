import { createAccessControl } from 'better-auth/plugins/access'
import {
  adminAc,
  defaultStatements,
  memberAc,
  ownerAc,
} from 'better-auth/plugins/organization/access'

export const ac = createAccessControl({
  ...defaultStatements,
  leave: ['create', 'read', 'approve'],
})

/** What Better Auth lets roles do in its own endpoints; a policy can be started from it. */
export const roles = {
  owner: ac.newRole({ ...ownerAc.statements, leave: ['create', 'read', 'approve'] }),
  admin: ac.newRole({ ...adminAc.statements, leave: ['create', 'read', 'approve'] }),
  staff: ac.newRole({ ...memberAc.statements, leave: ['create', 'read', 'approve'] }),
  viewer: ac.newRole({ ...memberAc.statements, leave: ['read'] }),
}
