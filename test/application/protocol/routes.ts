import type { Freshness } from '../../../src/domain/policy.ts'
import { policyWith } from '../../support/builders.ts'

/** A route of the simulated platform. */
export interface SimulatedRoute {
  readonly name: string
  readonly permission: 'leave:read' | 'leave:approve'
  readonly freshness: Freshness
  /** Whether claims may stand in for sources that are down. */
  readonly inOutage: boolean
}

const freshnesses: readonly Freshness[] = ['claims', 'cache', 'verified', 'database']

/** Every freshness, with a permission that viewers have and one that only staff has. */
export const routes: readonly SimulatedRoute[] = [
  ...freshnesses.flatMap((freshness) =>
    (['leave:read', 'leave:approve'] as const).map((permission) => ({
      name: `${freshness}-${permission.slice('leave:'.length)}`,
      ...{ permission, freshness, inOutage: false },
    })),
  ),
  { name: 'outage', permission: 'leave:read', freshness: 'verified', inOutage: true },
]

export const policy = policyWith(
  routes.map(
    ({ freshness, inOutage, name, permission }) =>
      `{ name: ${name}, match: "GET /${name}/{organizationId}", permission: ${permission}, ` +
      `freshness: ${freshness}, whenUnavailable: ${inOutage ? 'claims' : 'deny'} }`,
  ),
  ['dynamicRoles: true'],
)
