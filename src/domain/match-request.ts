import type { DenyReason } from './decision.ts'
import { refuse, type Evaluation, type Guard, type NamedTenant } from './evaluation.ts'
import {
  extensionRouteName,
  extensionTenant,
  readExtension,
  type ExtensionRule,
} from './extension.ts'
import { isId } from './id.ts'
import { readPath, withoutQuery } from './path.ts'
import type { Policy, Route, TenantSource } from './policy.ts'
import { matchTemplate } from './template.ts'

/**
 * Steps 1 to 3 of a check: is the request readable and its path unambiguous, and which rules does
 * it have to satisfy? Returns why not, or undefined with the evaluation's guards filled in.
 */
export function matchRequest(
  evaluation: Evaluation,
  reading = readPath(evaluation.request.path),
): DenyReason | undefined {
  const { policy, request, trace } = evaluation
  const unreadable = whyUnreadable(evaluation)
  if (unreadable !== undefined) return refuse(evaluation, 'request', 'bad_request', unreadable)
  if ('refusal' in reading) {
    const step = reading.refusal === 'bad_request' ? 'request' : 'path'
    if (step === 'path') {
      evaluation.path = withoutQuery(request.path)
      trace?.('request', 'passed', 'method, host and path can be read')
    }
    return refuse(evaluation, step, reading.refusal, reading.why)
  }
  trace?.('request', 'passed', 'method, host and path can be read')
  evaluation.path = reading.path

  const { segments, encoded } = reading
  const route = policy.routes.match(request.method, request.host, segments)
  const rule = readExtension(request.extensions)
  const ruleFault = rule !== null && 'why' in rule ? rule.why : undefined
  const extension = rule !== null && 'why' in rule ? null : rule
  const takesEncoding =
    route !== undefined ||
    (extension?.template !== undefined && matchTemplate(extension.template, segments) !== undefined)
  if (encoded && !takesEncoding) {
    return refuse(evaluation, 'path', 'ambiguous_path', 'it holds % where no {name:text} takes it')
  }
  trace?.('path', 'passed', `${reading.path} has one reading`)

  if (ruleFault !== undefined) {
    return refuse(evaluation, 'route', 'no_route', `the rule of Envoy's route: ${ruleFault}`)
  }
  if (route === undefined && extension === null) {
    return refuse(
      evaluation,
      'route',
      'no_route',
      `no route matches ${request.method} ${reading.path}`,
    )
  }
  const guards: Guard[] = []
  if (route !== undefined) guards.push(routeGuard(route, evaluation, segments))
  if (extension !== null) {
    const guard = extensionGuard(extension, route, evaluation, segments)
    if (guard === undefined) {
      return refuse(
        evaluation,
        'route',
        'no_route',
        "the path template of Envoy's route does not give the tenant of this path",
      )
    }
    guards.push(guard)
  }
  evaluation.guards = guards
  evaluation.settings = route ?? {
    name: extensionRouteName,
    freshness: 'claims',
    whenUnavailable: 'deny',
    mode: 'enforce',
  }
  trace?.('route', 'passed', describeMatch(route, extension))
  return undefined
}

/** Step 1, as far as it does not concern the path. */
function whyUnreadable({ policy, request }: Evaluation): string | undefined {
  if (request.method === '') return 'the method is missing'
  if (request.method === 'CONNECT') return 'CONNECT names no resource'
  // Envoy joins repeated headers with a comma: two hosts or two tenants are none.
  if (request.host.includes(',')) return 'host has more than one value'
  for (const name of policy.tenantHeaders) {
    if (request.header(name)?.includes(',') === true) return `${name} has more than one value`
  }
  return undefined
}

function routeGuard(route: Route, evaluation: Evaluation, segments: readonly string[]): Guard {
  return {
    access: route.access,
    requirement: route.requirement,
    tenant: namedTenant(route.tenant, route, evaluation, segments),
    shadow: route.mode === 'shadow',
  }
}

function namedTenant(
  source: TenantSource,
  route: Route,
  evaluation: Evaluation,
  segments: readonly string[],
): NamedTenant {
  if (source.kind === 'none' || source.kind === 'claim') return source
  if (source.kind === 'header') {
    const value = evaluation.request.header(source.name)
    return { kind: 'named', value: isId(value) ? value : null, header: source.name }
  }
  const value = matchTemplate(route.template, segments)?.get(source.parameter)
  return { kind: 'named', value: isId(value) ? value : null }
}

/** The guard of Envoy's own route; undefined where its template does not give the tenant. */
function extensionGuard(
  rule: ExtensionRule,
  route: Route | undefined,
  evaluation: Evaluation,
  segments: readonly string[],
): Guard | undefined {
  const { access, requirement, template } = rule
  if (template !== undefined && access === 'member') {
    const value = extensionTenant(template, segments, tenantParameter(evaluation.policy))
    if (value === undefined) return undefined
    return {
      access,
      requirement,
      tenant: { kind: 'named', value: isId(value) ? value : null },
      shadow: false,
    }
  }
  const tenant: NamedTenant =
    route === undefined ? { kind: 'claim' } : namedTenant(route.tenant, route, evaluation, segments)
  return { access, requirement, tenant, shadow: false }
}

/** The parameter that names the tenant in the templates of Envoy's routes. */
function tenantParameter({ definition: { tenant } }: Policy): string {
  return 'path' in tenant ? tenant.path : 'organizationId'
}

function describeMatch(route: Route | undefined, extension: ExtensionRule | null): string {
  const parts: string[] = []
  if (route !== undefined) parts.push(`route ${route.name} (${describeGuard(route)})`)
  if (extension !== null) parts.push(`the rule of Envoy's route (${describeGuard(extension)})`)
  return parts.join(' and ')
}

function describeGuard({ access, requirement }: Pick<Guard, 'access' | 'requirement'>): string {
  if (access !== 'member') return access
  const { quantifier, permissions } = requirement
  return `${quantifier === 'any' && permissions.length > 1 ? 'any of ' : ''}${permissions.join(', ')}`
}
