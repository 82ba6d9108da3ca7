import type { LocatedFault } from '../../application/load-policy.ts'
import type { Operation } from '../../domain/coverage-operations.ts'
import type { RequestShape } from '../../domain/coverage-shape.ts'
import { withoutQuery } from '../../domain/path.ts'
import type { PolicyFault, PolicyPath } from '../../domain/policy-reader.ts'
import type { PolicyDocument } from '../../ports/policy-document.ts'
import { pathSegments, type PathParameters } from './path-segments.ts'
import { entriesOf, listOf, resolveReference, type Entries } from './references.ts'
import { readServers, type ServerBase } from './servers.ts'

const methods = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace', 'query']
const otherKeys = ['$ref', 'summary', 'description', 'servers', 'parameters']

/** What is being read, and the faults so far. */
interface Reading {
  readonly source: string
  readonly document: PolicyDocument
  readonly root: Entries
  readonly faults: PolicyFault[]
}

/** An operation, and what it inherits from its path. */
interface Place {
  readonly template: string
  readonly item: Entries
  readonly method: string
  readonly operation: Entries
  readonly path: PolicyPath
}

/** Reads the operations of an OpenAPI 3 document, or all that is wrong with it. */
export function readOperations(
  source: string,
  document: PolicyDocument,
): { readonly operations: readonly Operation[] } | { readonly faults: readonly LocatedFault[] } {
  if (document.faults.length > 0) {
    return { faults: document.faults.map((fault) => ({ ...fault, path: '' })) }
  }
  const root = entriesOf(document.value) ?? {}
  const reading: Reading = { source, document, root, faults: [] }
  const operations = isOpenApi(reading) ? operationsOf(reading) : []
  if (reading.faults.length === 0) return { operations }
  return {
    faults: reading.faults.map(({ message, path }) => ({
      ...document.locate(path),
      path: path.join('.'),
      message,
    })),
  }
}

function isOpenApi({ faults, root }: Reading): boolean {
  const version = root['openapi']
  if (typeof version === 'string' && /^3\.\d/.test(version)) return true
  const swagger = root['swagger'] !== undefined
  const message = swagger
    ? 'Swagger 2 is not read: convert it to OpenAPI 3'
    : 'this is no OpenAPI 3 document: it has no openapi: 3.x'
  faults.push({ path: swagger ? ['swagger'] : version === undefined ? [] : ['openapi'], message })
  return false
}

function operationsOf(reading: Reading): readonly Operation[] {
  const { faults, root } = reading
  const paths = root['paths'] === undefined ? {} : entriesOf(root['paths'])
  if (paths === undefined) faults.push({ path: ['paths'], message: 'paths is no mapping' })
  return Object.entries(paths ?? {}).flatMap(([template, value]) => {
    if (template.startsWith('x-')) return []
    const at = ['paths', template]
    if (!template.startsWith('/')) {
      faults.push({ path: at, message: 'a path starts with /' })
      return []
    }
    const resolved = resolveReference(root, value, at)
    if ('why' in resolved) {
      faults.push({ path: [...at, '$ref'], message: resolved.why })
      return []
    }
    return placesOf(reading, template, resolved).flatMap((place) => {
      const operation = read(reading, place)
      return operation === undefined ? [] : [operation]
    })
  })
}

function placesOf(
  { faults }: Reading,
  template: string,
  { path, value: item }: { readonly path: PolicyPath; readonly value: Entries },
): readonly Place[] {
  const further = entriesOf(item['additionalOperations']) ?? {}
  const places = Object.entries(item).flatMap(([key, value]) => {
    if (methods.includes(key)) return [{ key, value, path: [...path, key] }]
    const known = otherKeys.includes(key) || key.startsWith('x-') || key === 'additionalOperations'
    if (!known) {
      const message = `unknown key "${key}": operations are ${methods.join(', ')}`
      faults.push({ path: [...path, key], message })
    }
    return []
  })
  for (const [key, value] of Object.entries(further)) {
    places.push({ key, value, path: [...path, 'additionalOperations', key] })
  }
  return places.flatMap(({ key, path, value }) => {
    const operation = entriesOf(value)
    if (operation === undefined) faults.push({ path, message: 'the operation is no mapping' })
    const method = methods.includes(key) ? key.toUpperCase() : key
    return operation === undefined ? [] : [{ template, item, method, operation, path }]
  })
}

function read(reading: Reading, place: Place): Operation | undefined {
  const { document, faults, source } = reading
  const { method, operation, path, template } = place
  const bases = serversOf(reading, place)
  const parameters = parametersOf(reading, place)
  const shapes: RequestShape[] = []
  // Servers with one base path are one set of requests to several hosts.
  for (const [basePath, same] of Map.groupBy(bases, (base) => base.basePath)) {
    const segments = pathSegments(`${basePath}${withoutQuery(template)}`, parameters)
    if (segments === undefined) {
      faults.push({ path, message: `the braces of ${template} do not pair` })
      return undefined
    }
    shapes.push({ methods: [method], hosts: hostsOf(same), segments, tail: 'none' })
  }
  const id = operation['operationId']
  return {
    source,
    line: document.locate(path).line,
    operation: typeof id === 'string' ? id : null,
    method,
    path: `${bases[0]?.basePath ?? ''}${template}`,
    shapes,
  }
}

function hostsOf(bases: readonly ServerBase[]): readonly string[] {
  const hosts = bases.map(({ host }) => host)
  return hosts.includes(undefined) ? [] : [...new Set(hosts.filter((host) => host !== undefined))]
}

/** The nearest list of servers counts: the operation's, the path's, the document's. */
function serversOf({ faults, root }: Reading, { item, operation, path }: Place) {
  const levels: readonly (readonly [Entries, PolicyPath])[] = [
    [operation, path],
    [item, path.slice(0, -1)],
    [root, []],
  ]
  const [owner, at] = levels.find(([one]) => listOf(one['servers']).length > 0) ?? [root, []]
  const bases = readServers(owner['servers'])
  if (!('why' in bases)) return bases
  const fault = { path: [...at, 'servers', bases.index], message: bases.why }
  if (!faults.some(({ path }) => path.join() === fault.path.join())) faults.push(fault)
  return []
}

/** Path parameters, the operation's own before those of its path. */
function parametersOf({ faults, root }: Reading, { item, operation, path }: Place): PathParameters {
  const found = new Map<string, Entries>()
  const levels: readonly (readonly [Entries, PolicyPath])[] = [
    [item, path.slice(0, -1)],
    [operation, path],
  ]
  for (const [owner, at] of levels) {
    for (const [index, value] of listOf(owner['parameters']).entries()) {
      const resolved = resolveReference(root, value, [...at, 'parameters', index])
      if ('why' in resolved) {
        // Of one in another file only the values that it takes are not known.
        if (resolved.elsewhere) continue
        faults.push({ path: [...at, 'parameters', index], message: resolved.why })
        continue
      }
      const { in: place, name } = resolved.value
      if (place !== 'path' || typeof name !== 'string') continue
      const schema = resolveReference(root, resolved.value['schema'], resolved.path)
      found.set(name, { ...resolved.value, schema: 'why' in schema ? {} : schema.value })
    }
  }
  return found
}
