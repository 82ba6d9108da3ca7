/** The freshnesses that contract section 6 tells apart; a route of `freshnessPolicy` each. */
export const freshnesses = ['claims', 'cache', 'verified', 'database'] as const

/** All its routes: one more bridges an outage by claims. */
export const routes = [...freshnesses, 'bridged'] as const
export type Route = (typeof routes)[number]

const route = (name: Route) => ({
  name,
  match: `GET /${name}/{organizationId}`,
  permission: 'doc:read',
})

/** `staff` may read on every route, `viewer` is a member who may not. */
export const freshnessPolicy = JSON.stringify({
  version: 1,
  tenant: { path: 'organizationId' },
  roles: { staff: ['doc:read'], viewer: ['doc:list'] },
  routes: [
    ...freshnesses.map((freshness) => ({ ...route(freshness), freshness })),
    { ...route('bridged'), freshness: 'verified', whenUnavailable: 'claims' },
  ],
})
