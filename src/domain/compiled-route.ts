import type { Access, Freshness, Route, TenantSource } from './policy.ts'
import type { Requirement } from './permission.ts'
import type { Template } from './template.ts'
import type { ValidatedRoute } from './validate-route.ts'

/**
 * A route as requests meet it. A class, so that what is prepared for its answers is found at the same place
 * in each; what every check reads comes first, in as few lines of the processor's cache as can be.
 */
export class CompiledRoute implements Route, ValidatedRoute {
  readonly name: string
  readonly access: Access
  readonly requirement: Requirement
  readonly tenant: TenantSource
  readonly mode: 'enforce' | 'shadow'
  #note: unknown
  readonly freshness: Freshness
  readonly whenUnavailable: 'deny' | 'claims'
  readonly hosts: readonly string[]
  readonly definition: ValidatedRoute['definition']
  readonly methods: readonly string[]
  readonly template: Template
  readonly path: ValidatedRoute['path']

  constructor(route: ValidatedRoute, requirement: Requirement, tenant: TenantSource) {
    const { definition } = route
    this.name = definition.name
    this.access = definition.access
    this.requirement = requirement
    this.tenant = tenant
    this.mode = definition.mode
    this.freshness = definition.freshness
    this.whenUnavailable = definition.whenUnavailable
    this.hosts = definition.hosts ?? []
    this.definition = definition
    this.methods = route.methods
    this.template = route.template
    this.path = route.path
  }

  static noteOf(route: object): unknown {
    return route instanceof CompiledRoute ? route.#note : undefined
  }

  static keepNote(route: object, note: object): void {
    if (route instanceof CompiledRoute) route.#note = note
  }
}

/** What `keepRouteNote` kept last with a route, of whatever kind; undefined: nothing. */
export function routeNoteOf(route: object): unknown {
  return CompiledRoute.noteOf(route)
}

/** Keeps what was worked out of a policy's route with it, one for each, for as long as that policy is used. */
export function keepRouteNote(route: object, note: object): void {
  CompiledRoute.keepNote(route, note)
}
