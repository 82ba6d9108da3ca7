import { hostPatternFault } from './host.ts'
import { isPermission, isWildcard } from './permission.ts'
import type { TenantDefinition } from './policy.ts'
import type { PolicyPath, PolicyReader } from './policy-reader.ts'

const headerName = /^[a-z0-9][a-z0-9!#$%&'*+.^_`|~-]*$/

/** Reads the permissions that a route asks for: one, or a list that is not empty. */
export function readPermissions(
  reader: PolicyReader,
  value: unknown,
  path: PolicyPath,
): readonly string[] | undefined {
  const permissions = reader.texts(value, path, { what: 'permissions', single: true })
  if (permissions.length === 0 && Array.isArray(value) && value.length === 0) {
    reader.fault(path, 'the list of permissions is empty')
  }
  for (const { text, path } of permissions) {
    if (isWildcard(text)) {
      reader.fault(path, `a route asks for permissions by name: "${text}" is a wildcard`)
    } else if (!isPermission(text)) {
      reader.fault(path, `"${text}" is no permission: write it as leave:approve`)
    }
  }
  return sorted(permissions.map(({ text }) => text))
}

/** Reads host patterns, in lower case: one, or a list that is not empty. */
export function readHosts(
  reader: PolicyReader,
  value: unknown,
  path: PolicyPath,
): readonly string[] | undefined {
  const hosts = reader.texts(value, path, { what: 'hosts', single: true })
  if (Array.isArray(value) && value.length === 0) {
    reader.fault(path, 'the list of hosts is empty: leave it out for any host')
  }
  for (const { text, path } of hosts) {
    const why = hostPatternFault(text.toLowerCase())
    if (why !== undefined) reader.fault(path, `"${text}": ${why}`)
  }
  return sorted(hosts.map(({ text }) => text.toLowerCase()))
}

/** Reads `{ path: name }`, `{ header: name }` or `{ claim: true }`. */
export function readTenant(
  reader: PolicyReader,
  value: unknown,
  path: PolicyPath,
  injectedHeaders: readonly string[],
): TenantDefinition | undefined {
  const form = 'write { path: NAME }, { header: NAME } or { claim: true }'
  if (typeof value !== 'object') {
    reader.fault(path, form)
    return undefined
  }
  const entries = reader.mapping(value, path)
  if (entries === undefined) return undefined
  const [entry, ...others] = entries
  if (entry === undefined || others.length > 0) {
    reader.fault(path, `a tenant is named in one way: ${form}`)
    return undefined
  }
  const [key, named] = entry
  const at = [...path, key]
  if (key === 'claim') {
    if (named === true) return { claim: true }
    reader.fault(at, form)
  } else if (key === 'path') {
    const parameter = reader.text(named, at, 'the name of a path parameter')
    if (parameter !== undefined) return { path: parameter }
  } else if (key === 'header') {
    const header = reader.text(named, at, 'the name of a header')?.toLowerCase()
    if (header === undefined) return undefined
    if (headerName.test(header) && !injectedHeaders.includes(header)) return { header }
    reader.fault(
      at,
      injectedHeaders.includes(header)
        ? `${header} is injected for upstreams and removed from every request: name another header`
        : `"${header}" is no header name`,
    )
  } else {
    reader.fault(at, `unknown key "${key}": ${form}`)
  }
  return undefined
}

/** Sorted without repeats: the order of such lists has no meaning. */
export function sorted(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)].sort()
}
