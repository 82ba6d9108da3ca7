import { stringify } from 'yaml'
import type { StartingPolicy } from '../../domain/starting-policy.ts'

/** The text of a policy file to start from, with comments on what to do next. */
export function startingPolicyText(policy: StartingPolicy, source: string): string {
  const { dynamicRoles, permissions, platformRoles, roles } = policy
  const part = (comment: string, key: string, value: unknown): readonly string[] => [
    '',
    ...comment.split('\n').map((line) => `# ${line}`),
    stringify({ [key]: value }, { flowCollectionPadding: false, lineWidth: 100 }).trimEnd(),
  ]
  const lines = [
    `# What Better Auth grants, taken from ${source}: keep the two alike.`,
    'version: 1',
    ...part('Where a request names its tenant.', 'tenant', { path: 'organizationId' }),
    ...part('All permissions there are; any other is a fault.', 'permissions', permissions),
    ...part('Organization roles (members.role) and what they may do.', 'roles', roles),
    ...(Object.keys(platformRoles).length === 0
      ? []
      : part(
          'Platform roles (users.role): what they may do, they may in every tenant.',
          'platformRoles',
          platformRoles,
        )),
    ...(dynamicRoles
      ? part('Roles that organizations make for themselves count too.', 'dynamicRoles', true)
      : []),
    ...part(
      'What is not listed here is denied. As an example:\n  - name: leave.approve\n    match: POST /api/v1/organizations/{organizationId}/leave/{leaveId}/approve\n    permission: leave:approve',
      'routes',
      [],
    ),
  ]
  return `${lines.join('\n')}\n`
}
