import type { DenyReason } from './decision.ts'
import {
  refuse,
  type Evaluation,
  type Guard,
  type NamedTenant,
  type RuleSettings,
} from './evaluation.ts'
import {
  extensionRouteName,
  extensionTenant,
  readExtension,
  type ExtensionRule,
} from './extension.ts'
import { isId, maxIdLength } from './id.ts'
import {
  decodeTextSegment,
  maxPathLength,
  pathEnd,
  readPath,
  segmentEnd,
  withoutQuery,
} from './path.ts'
import type { PathTenant, Policy, Route } from './policy.ts'
import { matchTemplate } from './template.ts'

/**
 * Steps 1 to 3 of a check: is the request readable and its path unambiguous, and which rules does
 * it have to satisfy? Returns why not, or undefined with the evaluation's guards filled in.
 */
export function matchRequest(evaluation: Evaluation): DenyReason | undefined {
  const { policy, request, trace } = evaluation
  const unreadable = whyUnreadable(evaluation)
  if (unreadable !== undefined) return refuse(evaluation, 'request', 'bad_request', unreadable)
  const target = request.path
  const end = pathEnd(target)
  // What a route takes has one reading: it need not be read a second time to tell that.
  const route =
    end <= maxPathLength
      ? policy.routes.match(request.method, request.host, target, end)
      : undefined
  const rule = request.extensions.size === 0 ? null : readExtension(request.extensions)
  const ruleFault = rule !== null && 'why' in rule ? rule.why : undefined
  const extension = rule !== null && 'why' in rule ? null : rule
  if (route === undefined) {
    const refusal = refusalOfPath(evaluation, extension)
    if (refusal !== undefined) return refusal
  }
  const path = target.slice(0, end)
  evaluation.path = path
  trace?.('request', 'passed', 'method, host and path can be read')
  trace?.('path', 'passed', `${path} has one reading`)

  if (ruleFault !== undefined) {
    return refuse(evaluation, 'route', 'no_route', `the rule of Envoy's route: ${ruleFault}`)
  }
  if (extension === null) {
    if (route === undefined) {
      return refuse(evaluation, 'route', 'no_route', `no route matches ${request.method} ${path}`)
    }
    evaluation.guards = [routeGuard(route, evaluation, path)]
  } else {
    const guard = extensionGuard(extension, route, evaluation, path)
    if (guard === undefined) {
      return refuse(
        evaluation,
        'route',
        'no_route',
        "the path template of Envoy's route does not give the tenant of this path",
      )
    }
    evaluation.guards = route === undefined ? [guard] : [routeGuard(route, evaluation, path), guard]
  }
  evaluation.settings = route ?? extensionSettings
  trace?.('route', 'passed', describeMatch(route, extension))
  return undefined
}

/** How a request is decided that only Envoy's own route has a rule for. */
const extensionSettings: RuleSettings = {
  name: extensionRouteName,
  freshness: 'claims',
  whenUnavailable: 'deny',
  mode: 'enforce',
}

/** Why a path that no route takes is refused by itself; it may also be one that none has. */
function refusalOfPath(
  evaluation: Evaluation,
  extension: ExtensionRule | null,
): DenyReason | undefined {
  const { request, trace } = evaluation
  const reading = readPath(request.path)
  if ('refusal' in reading) {
    const step = reading.refusal === 'bad_request' ? 'request' : 'path'
    if (step === 'path') {
      evaluation.path = withoutQuery(request.path)
      trace?.('request', 'passed', 'method, host and path can be read')
    }
    return refuse(evaluation, step, reading.refusal, reading.why)
  }
  if (!reading.encoded) return undefined
  const template = extension?.template
  if (template !== undefined && matchTemplate(template, reading.segments) !== undefined) {
    return undefined
  }
  evaluation.path = reading.path
  trace?.('request', 'passed', 'method, host and path can be read')
  return refuse(evaluation, 'path', 'ambiguous_path', 'it holds % where no {name:text} takes it')
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

function routeGuard(route: Route, evaluation: Evaluation, path: string): Guard {
  return {
    access: route.access,
    requirement: route.requirement,
    tenant: namedTenant(route, evaluation, path),
    shadow: route.mode === 'shadow',
  }
}

function namedTenant(route: Route, evaluation: Evaluation, path: string): NamedTenant {
  const { tenant: source } = route
  if (source.kind === 'none' || source.kind === 'claim') return source
  if (source.kind === 'header') {
    const value = evaluation.request.header(source.name)
    return { kind: 'named', value: isId(value) ? value : null, header: source.name }
  }
  return { kind: 'named', value: tenantInPath(source, path) }
}

/**
 * The value of the parameter that names the tenant, in a path that the route's template takes; null
 * where it is no id.
 */
function tenantInPath({ place }: PathTenant, path: string): string | null {
  const start = place.offset === -1 ? segmentStart(path, place.index) : place.offset
  if (place.kind === 'plain') {
    const segment = path.slice(start, segmentEnd(path, start, path.length))
    // What `{name}` takes is visible ASCII: of an id it may lack nothing else.
    return segment.length <= maxIdLength && !segment.includes(',') ? segment : null
  }
  const value =
    place.kind === 'rest'
      ? path.slice(start)
      : decodeTextSegment(path.slice(start, segmentEnd(path, start, path.length)))
  return isId(value) ? value : null
}

function segmentStart(path: string, index: number): number {
  let start = 1
  for (let at = 0; at < index; at++) start = segmentEnd(path, start, path.length) + 1
  return start
}

/** The guard of Envoy's own route; undefined where its template does not give the tenant. */
function extensionGuard(
  rule: ExtensionRule,
  route: Route | undefined,
  evaluation: Evaluation,
  path: string,
): Guard | undefined {
  const { access, requirement, template } = rule
  if (template !== undefined && access === 'member') {
    const segments = path.slice(1).split('/')
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
    route === undefined ? { kind: 'claim' } : namedTenant(route, evaluation, path)
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
