import { isMet } from '../domain/permission.ts'
import type { Policy, Route, RouteDefinition } from '../domain/policy.ts'
import { counted, error, listed, ok, warn, type Finding } from '../domain/finding.ts'
import type { LocatedFault } from './load-policy.ts'

/** What is known of the policy file. */
export interface PolicyDoctorDeps {
  readonly file: string
  /** The loaded policy; or why it does not load, one line a fault. */
  readonly policy: Policy | undefined
  readonly faults: readonly string[]
  /** Whether `whenUnavailable: claims` is heeded (`TENANTGATE_CLAIMS`). */
  readonly claimsMayGrant: boolean
}

const maxFaults = 20

/** A fault as one line, without the file's name. */
export function faultText({ line, column, path, message }: LocatedFault): string {
  return `${line}:${column}: ${path === '' ? '' : `${path}: `}${message}`
}

/** Looks at a policy: whether it loads, and what in it weakens the service. */
export function examinePolicy(deps: PolicyDoctorDeps): readonly Finding[] {
  const { file, policy, faults } = deps
  if (policy === undefined) {
    return [
      error('policy.loads', `${file}: ${listed(faults, maxFaults)}`, {
        why: 'serve does not start with it, and one that runs keeps the policy it has; the roles in the tables were not compared with it',
        mend: `npm run -s tenantgate -- lint ${file}`,
      }),
    ]
  }
  const { routes } = policy.definition
  return [
    ok('policy.loads', `${file}: ${counted(routes.length, 'route')}, ${policy.version}`),
    ungranted(policy),
    withoutSources(deps, routes),
    shadowed(routes),
    open(routes),
  ]
}

/** Routes that nobody can call, because no role holds what they ask for. */
function ungranted(policy: Policy): Finding {
  const name = 'policy.ungranted'
  const closed = policy.definition.routes.filter(
    (route) => route.access === 'member' && !someoneMayCall(policy, route),
  )
  const list = listed(closed.map((route) => `${route.name} (${permissionsOf(route).join(', ')})`))
  if (closed.length === 0) return ok(name, 'every permission that a route asks for is granted')
  if (policy.definition.dynamicRoles) {
    return ok(name, `only dynamic roles can open ${list}`)
  }
  return warn(name, `no role can open ${list}`, {
    why: 'every request to such a route is refused with permission_denied',
    mend: 'give the permission to a role of the policy, or take the route out of it',
  })
}

function someoneMayCall(policy: Policy, route: RouteDefinition): boolean {
  const platformOnly = route.tenant === 'none'
  const roles = [...(platformOnly ? [] : policy.roles.values()), ...policy.platformRoles.values()]
  const requirement: Route['requirement'] = {
    quantifier: route.anyPermission === undefined ? 'all' : 'any',
    permissions: permissionsOf(route),
  }
  // A subject may have several roles, so what counts is what all of them hold together.
  return isMet(requirement, (permission) => roles.some((held) => held.has(permission)))
}

function permissionsOf(route: RouteDefinition): readonly string[] {
  return route.permission ?? route.anyPermission ?? []
}

function withoutSources(deps: PolicyDoctorDeps, routes: readonly RouteDefinition[]): Finding {
  const name = 'policy.when_unavailable'
  const claims = namesOf(routes, ({ whenUnavailable }) => whenUnavailable === 'claims')
  if (claims.length === 0) return ok(name, 'no route lets a token grant while no source answers')
  if (!deps.claimsMayGrant) {
    return ok(name, `not heeded with TENANTGATE_CLAIMS=deny-only: ${listed(claims)}`)
  }
  return warn(name, `a valid token grants while no source answers: ${listed(claims)}`, {
    why: "who was removed or banned keeps these routes until the token ends, as long as PostgreSQL is down and the change's event was not seen",
    mend: 'whenUnavailable: deny   # on each of these routes, unless that is meant',
  })
}

function shadowed(routes: readonly RouteDefinition[]): Finding {
  const name = 'policy.shadow'
  const shadow = namesOf(routes, ({ mode }) => mode === 'shadow')
  if (shadow.length === 0) return ok(name, 'every route is enforced')
  return warn(name, `${counted(shadow.length, 'route')} in shadow mode: ${listed(shadow)}`, {
    why: 'what they refuse is logged and passes: they protect nothing',
    mend: 'mode: enforce   # on each of these routes, once their log shows no false refusal',
  })
}

function open(routes: readonly RouteDefinition[]): Finding {
  const open = namesOf(routes, ({ access }) => access === 'public')
  const names = open.length === 0 ? '' : `: ${listed(open)}`
  return ok('policy.public', `${counted(open.length, 'public route')}${names}`)
}

function namesOf(
  routes: readonly RouteDefinition[],
  which: (route: RouteDefinition) => boolean,
): readonly string[] {
  return routes.filter(which).map(({ name }) => name)
}
