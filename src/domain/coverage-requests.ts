import { hostWitnesses } from './coverage-hosts.ts'
import { shapeOfRoute, type RequestShape } from './coverage-shape.ts'
import { witnesses } from './coverage-witness.ts'
import { AppError } from './errors.ts'
import type { Policy, Route, RouteDefinition } from './policy.ts'
import type { RoutePattern } from './route-table.ts'
import { parseTemplate } from './template.ts'

/** A route of a policy's canonical form, parsed again. */
export interface PolicyRoute extends RoutePattern {
  readonly name: string
  readonly definition: RouteDefinition
}

/** Requests that the policy does not tell apart, by one of them. */
export interface RequestClass {
  readonly method: string
  /** A host of them; undefined where no route of this method names hosts. */
  readonly host: string | undefined
  readonly segments: readonly string[]
  /** The route that wins these requests. */
  readonly route: Route | undefined
}

/** The classes of the requests of a shape; all of them, each at least once. */
export type ClassesOf = (shape: RequestShape) => Generator<RequestClass>

/** A method that no policy names: it stands for all of these. */
const otherMethod = 'OTHER'

/** Beyond this many classes of one shape an answer would take too long. */
const mostClasses = 500_000
const tooMany =
  'literals and parameters alternate in so many ways that the cases cannot be gone through'

/** The routes of a policy. */
export function routesOf({ definition }: Pick<Policy, 'definition'>): readonly PolicyRoute[] {
  return definition.routes.map((route) => {
    const [methods = '', source = ''] = route.match.split(' ')
    const template = parseTemplate(source)
    if ('faults' in template) throw new AppError('POLICY_INVALID', template.faults.join('; '))
    return {
      name: route.name,
      definition: route,
      methods: methods.split('|'),
      hosts: route.hosts ?? [],
      template,
    }
  })
}

/** Splits requests into classes by the policy's routes, and asks its own route table of each. */
export function createClassesOf(policy: Pick<Policy, 'definition' | 'routes'>): ClassesOf {
  const byMethod = Map.groupBy(
    routesOf(policy).flatMap((route) => route.methods.map((method) => ({ method, route }))),
    ({ method }) => method,
  )
  return function* classesOf(shape) {
    let count = 0
    const methods = shape.methods === 'any' ? [...byMethod.keys(), otherMethod] : shape.methods
    for (const method of methods) {
      const routes = (byMethod.get(method) ?? []).map(({ route }) => route)
      const patterns = routes.flatMap(({ hosts }) => hosts)
      const told = patterns.length > 0
      const hosts = hostWitnesses(shape.hosts, patterns)
      const templates = routes.map(({ template }) => template)
      for (const segments of witnesses(shape, templates)) {
        for (const host of told ? hosts : hosts.slice(0, 1)) {
          if (++count > mostClasses) throw new AppError('INPUT_INVALID', tooMany)
          const path = `/${segments.join('/')}`
          const route = policy.routes.match(method, host, path, path.length)
          yield { method, host: told ? host : undefined, segments, route }
        }
      }
    }
  }
}

/** A class as one of its requests, as `GET api.example.com/v1/leave`. */
export function exampleOf({ method, host = '', segments }: RequestClass): string {
  return `${method} ${host}/${segments.join('/')}`
}

/** Routes that win no request at all, and the routes that win theirs. */
export function shadowedRoutes(
  routes: readonly PolicyRoute[],
  classesOf: ClassesOf,
): readonly { readonly route: string; readonly by: readonly string[] }[] {
  return routes.flatMap((route) => {
    const winners = new Set<string>()
    for (const { route: winner } of classesOf(shapeOfRoute(route))) {
      if (winner?.name === route.name) return []
      if (winner !== undefined) winners.add(winner.name)
    }
    return [{ route: route.name, by: [...winners].sort() }]
  })
}
