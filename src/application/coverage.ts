import {
  coverGateways,
  type Gateway,
  type GatewayCoverage,
  type GatewayGap,
} from '../domain/coverage-gateway.ts'
import {
  matrixOf,
  unaskedGrants,
  ungrantedPermissions,
  type GatewayRule,
  type MatrixRow,
  type UnaskedGrant,
  type UngrantedPermission,
} from '../domain/coverage-matrix.ts'
import {
  coverOperations,
  type Operation,
  type OperationCoverage,
} from '../domain/coverage-operations.ts'
import { createClassesOf, routesOf, shadowedRoutes } from '../domain/coverage-requests.ts'
import type { Policy } from '../domain/policy.ts'

/** What a policy is compared with; undefined: not compared. */
export interface CoverageInputs {
  /** The operations of every API description together. */
  readonly openapi?: readonly Operation[] | undefined
  readonly envoy?: readonly Gateway[] | undefined
}

/** An operation or a gateway's route without a rule, or one that nothing decides. */
export type Uncovered =
  ({ readonly kind: 'operation' } & OperationCoverage) | ({ readonly kind: 'gateway' } & GatewayGap)

/** A route of the policy that does nothing. */
export interface DeadRoute {
  readonly route: string
  readonly match: string
  readonly reason: 'shadowed' | 'no_operation' | 'no_gateway_route'
  readonly why: string
}

/** What a policy covers, as `coverage` and the admin API tell it. */
export interface Coverage {
  /** The policy's version. */
  readonly policy: string
  readonly uncovered: readonly Uncovered[]
  readonly dead: readonly DeadRoute[]
  readonly ungranted: readonly UngrantedPermission[]
  /** Routes that no roles of the policy open, not even together. */
  readonly uncallable: readonly string[]
  /** For information: what roles grant and no route asks for. */
  readonly unasked: readonly UnaskedGrant[]
  /** Whether rows of `organization_roles` may grant more than `matrix` shows. */
  readonly dynamic_roles: boolean
  readonly operations: readonly OperationCoverage[]
  readonly gateway_routes: readonly GatewayCoverage[]
  readonly matrix: readonly MatrixRow[]
}

/** Compares a policy with API descriptions and with gateways, and with itself. */
export function coverageOf(policy: Policy, inputs: CoverageInputs = {}): Coverage {
  const classesOf = createClassesOf(policy)
  const operations = coverOperations(inputs.openapi ?? [], classesOf)
  const gateways = coverGateways(inputs.envoy ?? [], classesOf)
  const matrix = matrixOf(policy, rulesOf(inputs.envoy ?? []))
  return {
    policy: policy.version,
    uncovered: [
      ...operations
        .filter(({ coverage }) => coverage !== 'covered')
        .map((operation) => ({ kind: 'operation' as const, ...operation })),
      ...gateways.gaps.map((gap) => ({ kind: 'gateway' as const, ...gap })),
    ],
    dead: deadRoutes(policy, [
      ...shadowedRoutes(routesOf(policy), classesOf).map(({ route, by }) => ({
        ...{ route, reason: 'shadowed' as const },
        why: `more specific routes win all of its requests: ${by.join(', ')}`,
      })),
      ...(inputs.openapi === undefined
        ? []
        : unused(policy, new Set(operations.flatMap(({ routes }) => routes)), {
            reason: 'no_operation',
            why: 'no operation of the API descriptions meets it',
          })),
      ...(inputs.envoy === undefined
        ? []
        : unused(policy, gateways.reached, {
            reason: 'no_gateway_route',
            why: 'no route of Envoy passes its requests on',
          })),
    ]),
    ungranted: ungrantedPermissions(policy, matrix),
    uncallable: matrix.filter(({ callable }) => callable === 'no').map(({ route }) => route),
    unasked: unaskedGrants(policy, matrix),
    dynamic_roles: policy.definition.dynamicRoles,
    operations,
    gateway_routes: gateways.routes,
    matrix,
  }
}

type Death = Omit<DeadRoute, 'match'>

/** A route that is shadowed is not told a second time, for a consequence of it. */
function deadRoutes(policy: Policy, deaths: readonly Death[]): readonly DeadRoute[] {
  const shadowed = new Set(
    deaths.filter(({ reason }) => reason === 'shadowed').map(({ route }) => route),
  )
  const matches = new Map(policy.definition.routes.map(({ match, name }) => [name, match]))
  return deaths
    .filter(({ reason, route }) => reason === 'shadowed' || !shadowed.has(route))
    .map((death) => ({ ...death, match: matches.get(death.route) ?? '' }))
}

function unused(
  policy: Policy,
  used: ReadonlySet<string>,
  death: Omit<Death, 'route'>,
): readonly Death[] {
  return policy.definition.routes
    .filter(({ name }) => !used.has(name))
    .map(({ name: route }) => ({ route, ...death }))
}

/** The rules of Envoy's own routes, once each where listeners share a route table. */
function rulesOf(gateways: readonly Gateway[]): readonly GatewayRule[] {
  const rules = gateways.flatMap(({ routes }) =>
    routes.map(({ extensions, hosts, match, route, virtual_host }) => ({
      ...{ extensions, hosts, match },
      name: `${virtual_host}/${route}`,
    })),
  )
  return [...new Map(rules.map((rule) => [`${rule.name} ${rule.match}`, rule])).values()]
}
