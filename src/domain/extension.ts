import type { Access } from './policy.ts'
import { isPermission, type Requirement } from './permission.ts'
import { matchTemplate, parseTemplate, type Template } from './template.ts'

/** The name under which a request is decided that only Envoy's own route has a rule for. */
export const extensionRouteName = 'context_extensions'

/** The keys of `context_extensions` that play a part. */
export const extensionKeys = ['access', 'permission', 'path'] as const

/** A rule that Envoy's own route carries in its `context_extensions` (contract section 4). */
export interface ExtensionRule {
  readonly access: Access
  readonly requirement: Requirement
  /** Where the tenant stands in the path; undefined: that of the policy route, else the token's. */
  readonly template: Template | undefined
}

/**
 * Reads the rule of a gateway route: null where it carries none, and a reason where what it
 * carries cannot be relied on, which refuses the request.
 */
export function readExtension(
  extensions: ReadonlyMap<string, string>,
): ExtensionRule | null | { readonly why: string } {
  const access = extensions.get('access')
  const permission = extensions.get('permission')
  const path = extensions.get('path')
  if (access === undefined && permission === undefined && path === undefined) return null
  if (
    access !== undefined &&
    access !== 'member' &&
    access !== 'authenticated' &&
    access !== 'public'
  ) {
    return { why: `access "${access}" is unknown` }
  }
  let template: Template | undefined
  if (path !== undefined) {
    const parsed = parseTemplate(path)
    if ('faults' in parsed) return { why: `path cannot be read: ${parsed.faults.join('; ')}` }
    template = parsed
  }
  if (access === 'public' || access === 'authenticated') {
    // A permission that is asked of nobody is a contradiction; the stricter half must not be lost.
    if (permission !== undefined) return { why: `permission contradicts access ${access}` }
    return { access, requirement: { quantifier: 'all', permissions: [] }, template }
  }
  const permissions = [...new Set((permission ?? '').split(',').map((one) => one.trim()))]
  if (!permissions.every(isPermission)) {
    return { why: 'permission is empty or names none' }
  }
  return { access: 'member', requirement: { quantifier: 'all', permissions }, template }
}

/** The tenant that a rule's own template reads from a path; undefined where it does not match. */
export function extensionTenant(
  template: Template,
  segments: readonly string[],
  parameter: string,
): string | undefined {
  return matchTemplate(template, segments)?.get(parameter)
}
