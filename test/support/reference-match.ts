import type { DenyReason } from '../../src/domain/decision.ts'
import { refuse, type Evaluation, type Guard } from '../../src/domain/evaluation.ts'
import {
  extensionRouteName,
  readExtension,
  type ExtensionRule,
} from '../../src/domain/extension.ts'
import { anyHost, canonicalHost, dotsIn, patternsFor } from '../../src/domain/host.ts'
import { isId } from '../../src/domain/id.ts'
import { readPath, withoutQuery } from '../../src/domain/path.ts'
import type { Policy, RouteDefinition } from '../../src/domain/policy.ts'
import { matchTemplate, parseTemplate, type Template } from '../../src/domain/template.ts'

/**
 * Steps 1 to 3 of a check as they would be written were they not on every request's way: the path is
 * read whole and split, and every route of the policy is tried. What is quicker has to come out alike.
 */
export function referenceMatch(evaluation: Evaluation): DenyReason | undefined {
  const { policy, request, trace } = evaluation
  const unreadable = whyUnreadable(evaluation)
  if (unreadable !== undefined) return refuse(evaluation, 'request', 'bad_request', unreadable)
  const reading = readPath(request.path)
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

  const { encoded, segments } = reading
  const route = mostSpecific(policy, request.method, request.host, segments)
  const rule = readExtension(request.extensions)
  const extension = rule !== null && 'why' in rule ? null : rule
  const own = extension?.template
  const takesEncoding =
    route !== undefined || (own !== undefined && matchTemplate(own, segments) !== undefined)
  if (encoded && !takesEncoding) {
    return refuse(evaluation, 'path', 'ambiguous_path', 'it holds % where no {name:text} takes it')
  }
  trace?.('path', 'passed', `${reading.path} has one reading`)
  const noRoute = (why: string): DenyReason => refuse(evaluation, 'route', 'no_route', why)
  if (rule !== null && 'why' in rule) return noRoute(`the rule of Envoy's route: ${rule.why}`)
  if (route === undefined && extension === null) {
    return noRoute(`no route matches ${request.method} ${reading.path}`)
  }
  const guards: Guard[] = []
  if (route !== undefined) guards.push(routeGuard(route, evaluation, segments))
  if (extension !== null) {
    const guard = extensionGuard(extension, route, evaluation, segments)
    if (guard === undefined) {
      return noRoute("the path template of Envoy's route does not give the tenant of this path")
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
  const parts = [
    ...(route === undefined ? [] : [`route ${route.name} (${describe(guards[0])})`]),
    ...(extension === null ? [] : [`the rule of Envoy's route (${describe(guards.at(-1))})`]),
  ]
  trace?.('route', 'passed', parts.join(' and '))
  return undefined
}

function whyUnreadable({ policy, request }: Evaluation): string | undefined {
  if (request.method === '') return 'the method is missing'
  if (request.method === 'CONNECT') return 'CONNECT names no resource'
  if (request.host.includes(',')) return 'host has more than one value'
  for (const name of policy.tenantHeaders) {
    if (request.header(name)?.includes(',') === true) return `${name} has more than one value`
  }
  return undefined
}

function templateOf({ match }: RouteDefinition): Template {
  const parsed = parseTemplate(match.slice(match.indexOf(' ') + 1))
  if ('faults' in parsed) throw new Error(parsed.faults.join())
  return parsed
}

const ranks = ['literal', 'plain', 'text', 'rest']

function isMoreSpecific(one: Template, other: Template): boolean {
  for (const [index, { kind }] of one.segments.entries()) {
    const against = other.segments[index]
    if (against === undefined) return true
    if (kind !== against.kind) return ranks.indexOf(kind) < ranks.indexOf(against.kind)
  }
  return false
}

/** The best route of the most specific host pattern that has any. */
function mostSpecific(
  { definition }: Policy,
  method: string,
  host: string,
  segments: readonly string[],
): RouteDefinition | undefined {
  const hosts = definition.routes.flatMap((route) => route.hosts ?? [])
  for (const pattern of patternsFor(canonicalHost(host), Math.max(0, ...hosts.map(dotsIn)))) {
    let best: { readonly route: RouteDefinition; readonly template: Template } | undefined
    for (const route of definition.routes) {
      if (!(route.hosts ?? [anyHost]).includes(pattern)) continue
      const [methods = ''] = route.match.split(' ')
      if (!methods.split('|').includes(method)) continue
      const template = templateOf(route)
      if (matchTemplate(template, segments) === undefined) continue
      if (best === undefined || isMoreSpecific(template, best.template)) best = { route, template }
    }
    if (best !== undefined) return best.route
  }
  return undefined
}

function routeGuard(
  route: RouteDefinition,
  evaluation: Evaluation,
  segments: readonly string[],
): Guard {
  const { access, anyPermission, mode, permission } = route
  return {
    access,
    requirement: {
      quantifier: anyPermission === undefined ? 'all' : 'any',
      permissions: anyPermission ?? permission ?? [],
    },
    tenant: namedTenant(route, evaluation, segments),
    shadow: mode === 'shadow',
  }
}

function namedTenant(
  route: RouteDefinition,
  { policy, request }: Evaluation,
  segments: readonly string[],
): Guard['tenant'] {
  const tenant = route.tenant ?? policy.definition.tenant
  if (tenant === 'none') return { kind: 'none' }
  if ('claim' in tenant) return { kind: 'claim' }
  if ('header' in tenant) {
    const value = request.header(tenant.header)
    return { kind: 'named', value: isId(value) ? value : null, header: tenant.header }
  }
  const template = templateOf(route)
  const named = template.segments.some((one) => one.kind !== 'literal' && one.name === tenant.path)
  if (!named) return { kind: 'claim' }
  const value = matchTemplate(template, segments)?.get(tenant.path)
  return { kind: 'named', value: isId(value) ? value : null }
}

function extensionGuard(
  rule: ExtensionRule,
  route: RouteDefinition | undefined,
  evaluation: Evaluation,
  segments: readonly string[],
): Guard | undefined {
  const { access, requirement, template } = rule
  const guard = { access, requirement, shadow: false }
  if (template !== undefined && access === 'member') {
    const { tenant } = evaluation.policy.definition
    const name = 'path' in tenant ? tenant.path : 'organizationId'
    const value = matchTemplate(template, segments)?.get(name)
    if (value === undefined) return undefined
    return { ...guard, tenant: { kind: 'named', value: isId(value) ? value : null } }
  }
  if (route === undefined) return { ...guard, tenant: { kind: 'claim' } }
  return { ...guard, tenant: namedTenant(route, evaluation, segments) }
}

function describe(guard: Guard | undefined): string {
  if (guard?.access !== 'member') return guard?.access ?? ''
  const { permissions, quantifier } = guard.requirement
  return `${quantifier === 'any' && permissions.length > 1 ? 'any of ' : ''}${permissions.join(', ')}`
}
