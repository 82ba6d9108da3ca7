import { entriesOf, listOf } from './references.ts'

/** Where an API is served. */
export interface ServerBase {
  /** A host pattern; undefined: any host. */
  readonly host: string | undefined
  /** What stands before every path, without a slash at the end. */
  readonly basePath: string
}

/** Takes the place of a variable of the host that may be anything. */
const unknown = '\u0000'
const mostServers = 1_000
/** Variables that are put in one after the other: values may hold variables too, but not for ever. */
const mostSteps = 100

/**
 * The servers of a document, path or operation; none: the host that the document came from, which
 * can be any. A variable with an `enum` stands for each of its values; one without, for any name in
 * the host, and for its default in the path.
 */
export function readServers(
  servers: unknown,
): readonly ServerBase[] | { readonly index: number; readonly why: string } {
  const list = listOf(servers)
  if (list.length === 0) return [{ host: undefined, basePath: '' }]
  const bases: ServerBase[] = []
  for (const [index, server] of list.entries()) {
    const url = entriesOf(server)?.['url']
    if (typeof url !== 'string') return { index, why: 'the server has no url' }
    const urls = expand(url, entriesOf(entriesOf(server)?.['variables']) ?? {})
    if ('why' in urls) return { index, why: urls.why }
    bases.push(...urls.map(baseOf))
    if (bases.length > mostServers) return { index, why: 'its variables make too many servers' }
  }
  return bases
}

function expand(
  url: string,
  variables: Readonly<Record<string, unknown>>,
  steps = 0,
): readonly string[] | { readonly why: string } {
  const [whole, name] = /\{([^{}]*)\}/.exec(url) ?? []
  if (whole === undefined || name === undefined) return [url]
  if (steps === mostSteps) return { why: `the variables of ${url} lead round in a circle` }
  const variable = Object.hasOwn(variables, name) ? entriesOf(variables[name]) : undefined
  if (variable === undefined) return { why: `the variable {${name}} is not among its variables` }
  const inHost = /^(?:[a-z][a-z0-9+.-]*:)?\/\/[^/]*$/i.test(url.slice(0, url.indexOf(whole)))
  const values = listOf(variable['enum'])
  const all = values.length > 0 ? values : [inHost ? unknown : variable['default']]
  const urls: string[] = []
  for (const value of all) {
    if (typeof value !== 'string') return { why: `the variable {${name}} has no default` }
    if (value.includes(whole)) return { why: `the variable {${name}} stands in its own value` }
    const further = expand(
      url.replace(whole, () => value),
      variables,
      steps + 1,
    )
    if ('why' in further) return further
    urls.push(...further)
    if (urls.length > mostServers) return { why: 'its variables make too many servers' }
  }
  return urls
}

function baseOf(url: string): ServerBase {
  const [, authority, path = url] = /^(?:[^/]*:)?\/\/([^/?#]*)(.*)$/s.exec(url) ?? []
  // A relative one is relative to where the document lies, which nobody knows here.
  const location = URL.parse(path.startsWith('/') ? `http://host${path}` : path, 'http://host/')
  return {
    host: authority === undefined ? undefined : hostPattern(authority),
    basePath: (location?.pathname ?? '').replace(/\/+$/, ''),
  }
}

function hostPattern(authority: string): string | undefined {
  const host = authority
    .replace(/^.*@/, '')
    .replace(new RegExp(`:[0-9${unknown}]*$`), '')
    .toLowerCase()
  if (!host.includes(unknown)) return host === '' ? undefined : host
  const after = host.slice(host.lastIndexOf(unknown) + 1)
  const dot = after.indexOf('.')
  return dot === -1 ? undefined : `*${after.slice(dot)}`
}
