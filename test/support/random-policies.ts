import { stringify } from 'yaml'
import type { Policy } from '../../src/domain/policy.ts'
import { policyFrom } from './builders.ts'
import { seededRandom } from './seeded-random.ts'

/** Something to ask that overlaps with many routes, or with none. */
export interface RandomRequest {
  readonly method: string
  readonly path: string
  readonly host: string
}

const literals = ['a', 'b', 'me', 'a.b', 'x~y', '(a+b)', 'A']
const segments = [...literals, ...literals, '{p}', '{p}', '{p}', '{t:text}', '{t:text}']
const methods = ['GET', 'HEAD', 'POST', 'DELETE', 'OPTIONS']
const hosts = ['a.example.com', '*.example.com', '*.b.example.com', 'x.b.example.com', 'other.test']
const upstreamNames = ['one', 'two', 'yes', 'authz', '3']

/** Odd segments: what plain, text and rest take, and what none of them takes. */
const asked = [
  ...[...literals, 'zz', 'a*b', "a=b,c'!$&()", 'a:b@c', '...', '..a', 'a%20b', '%41', '%E2%82%AC'],
  ...['%ff', '%2e%2e', '%252F', 'a;b', 'a|b', '..', '.', '', 'a%', '-', '~', '_', '"'],
]
const askedHosts = [
  ...['a.example.com', 'A.Example.COM', 'a.example.com:80', 'a.example.com.', 'a.example.com.:80'],
  ...['a.example.com:', 'a.example.com..', 'a.example.com:80:90', 'a.example.com:99999999999'],
  ...['q.example.com', 'q.b.example.com', 'x.b.example.com', 'y.x.b.example.com', 'b.example.com'],
  ...['.example.com', '..example.com', 'example.com', 'other.test', 'nope', '*.example.com', '.'],
  ...['[::1]:80', 'evil.test:80.example.com', 'xexample.com', 'a.example.com.:', 'other.test:+80'],
]

/** Policies and requests that depend on a seed alone. */
export function randomWorld(seed: number): {
  readonly policy: (count: number, upstream: string, options?: { hosts?: boolean }) => Policy
  readonly request: (policy: Policy) => RandomRequest
} {
  const random = seededRandom(seed)
  const oneOf = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)] as T
  const someOf = <T>(all: readonly T[]): readonly T[] => {
    const some = all.filter(() => random() < 0.3)
    return some.length === 0 ? [oneOf(all)] : some
  }

  function template(): string {
    const parts = Array.from({ length: 1 + Math.floor(random() * 4) }, (_, at) =>
      oneOf(segments).replace(/\{(\w)/, `{$1${at}`),
    )
    if (random() < 0.2) parts.push('{r...}')
    else if (random() < 0.1) parts.push('')
    return `/${parts.join('/')}`
  }

  function policy(count: number, upstream: string, { hosts: named = true } = {}): Policy {
    const taken = new Set<string>()
    const routes: object[] = []
    for (let made = 0; made < count; made++) {
      const [path, verbs] = [template(), someOf(methods)]
      const on = !named || random() < 0.4 ? undefined : someOf(hosts)
      const shape = path.replaceAll(/\{\w+/g, '{')
      const keys = (on ?? ['']).flatMap((host) => verbs.map((verb) => `${host} ${verb} ${shape}`))
      // Two routes with equal precedence are a fault of a policy.
      if (keys.some((key) => taken.has(key))) continue
      for (const key of keys) taken.add(key)
      routes.push({
        ...{ name: `${oneOf(['r', 'on', 'y'])}${made}`, match: `${verbs.join('|')} ${path}` },
        ...{ access: 'public', upstream: oneOf(upstreamNames) },
        ...(on === undefined ? {} : { hosts: on }),
      })
    }
    const upstreams = Object.fromEntries(upstreamNames.map((name) => [name, upstream]))
    return policyFrom(stringify({ version: 1, upstreams, routes }))
  }

  return {
    policy,
    request({ definition }) {
      const route = random() < 0.85 ? oneOf(definition.routes) : undefined
      const [verbs = 'GET', shape = template()] = route?.match.split(' ') ?? []
      const path = shape.replaceAll(/\{[^}]*\}/g, (parameter) =>
        parameter.endsWith('...}') && random() < 0.5
          ? `${oneOf(asked)}/${oneOf(asked)}`
          : oneOf(asked),
      )
      const pattern = oneOf(route?.hosts ?? askedHosts).replace('*', 'q')
      const tail = oneOf(['', '', '', '', '/', '?x=/a', '/extra'])
      return {
        method: random() < 0.8 ? oneOf(verbs.split('|')) : oneOf(methods),
        path: path + tail,
        host: random() < 0.5 ? pattern : oneOf(askedHosts),
      }
    },
  }
}
