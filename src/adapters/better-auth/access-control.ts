import { resolve } from 'node:path'
import { AppError } from '../../domain/errors.ts'
import type { AccessControl, Statements } from '../../domain/starting-policy.ts'
import { projectModules, type ProjectModules } from './load-module.ts'

type Fields = Readonly<Record<string, unknown>>

/**
 * Reads Better Auth's access control from a module that exports `roles` (and `ac`), or an `auth`
 * instance. Runs that module.
 * @throws AppError `INPUT_INVALID` where it cannot be run or exports neither.
 */
export async function readAccessControl(file: string): Promise<AccessControl> {
  const path = resolve(file)
  const modules = await projectModules(path)
  const exported = await modules.load(path)
  const places = [exported, exported['default']].filter(isFields)
  for (const place of places) {
    if (isFields(place['roles'])) {
      const { ac, roles } = place
      const statements = statementsOf(ac)
      return { statements, roles: rolesOf(roles), platformRoles: {}, dynamicRoles: false }
    }
  }
  for (const place of [...places.map(({ auth }) => auth), ...places]) {
    if (isFields(place) && isFields(place['options']))
      return fromInstance(place['options'], modules)
  }
  throw new AppError(
    'INPUT_INVALID',
    `${file} exports neither "roles" (of createAccessControl's newRole) nor "auth" (of betterAuth)`,
  )
}

async function fromInstance(options: Fields, modules: ProjectModules): Promise<AccessControl> {
  const plugins = Array.isArray(options['plugins']) ? options['plugins'].filter(isFields) : []
  /** A plugin's options, where it is there. */
  const optionsOf = (id: string): Fields | undefined => {
    const plugin = plugins.find((one) => one['id'] === id)
    if (plugin === undefined) return undefined
    return isFields(plugin['options']) ? plugin['options'] : {}
  }
  /** Where no roles were given, Better Auth has some of its own. */
  const rolesFor = async (given: Fields | undefined, place: string) => {
    if (given === undefined) return {}
    if (given['roles'] !== undefined) return rolesOf(given['roles'])
    return rolesOf((await modules.load(`better-auth/plugins/${place}/access`))['defaultRoles'])
  }
  const organization = optionsOf('organization')
  const dynamic = organization?.['dynamicAccessControl']
  return {
    statements: statementsOf(organization?.['ac']),
    roles: await rolesFor(organization, 'organization'),
    platformRoles: await rolesFor(optionsOf('admin'), 'admin'),
    dynamicRoles: isFields(dynamic) && dynamic['enabled'] === true,
  }
}

function rolesOf(value: unknown): Readonly<Record<string, Statements>> {
  const entries = Object.entries(isFields(value) ? value : {})
  const roles = entries.map(([name, role]) => [name, statementsOf(role) ?? {}] as const)
  return Object.fromEntries(roles)
}

/** Of a role or an access control; undefined where it is neither. */
function statementsOf(value: unknown): Statements | undefined {
  const statements = isFields(value) ? value['statements'] : undefined
  if (!isFields(statements)) return undefined
  const lists = Object.entries(statements).map(([resource, actions]) => {
    const list: readonly unknown[] = Array.isArray(actions) ? actions : []
    return [resource, list.filter((action) => typeof action === 'string')] as const
  })
  return Object.fromEntries(lists)
}

function isFields(value: unknown): value is Fields {
  return (typeof value === 'object' || typeof value === 'function') && value !== null
}
