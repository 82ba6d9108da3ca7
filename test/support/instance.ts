import { startTenantgate, type TenantgateProcess } from '../../src/demo/tenantgate-process.ts'
import { authorizationClient, httpRequestBytes } from './authorization-client.ts'
import type { Route } from './freshness-policy.ts'
import type { Person } from './people.ts'
import { until } from './poll.ts'
import { parseExposition } from './prometheus-text.ts'
import { hmacToken } from './tokens.ts'

/** HS256 secret of every token and instance of these tests. */
export const secret = 'a secret of the tests with more than 32 characters'

/** What one check came to; times are `performance.now()`. */
export interface Verdict {
  readonly allowed: boolean
  /** `granted`, a reason of contract section 4, or `failed` where there was no answer. */
  readonly reason: string
  /** Where the fact was read, on an allow. */
  readonly source: string | undefined
  readonly sentMs: number
  readonly ms: number
}

/** A `serve` process and a client with one connection to it. */
export interface Instance {
  readonly process: TenantgateProcess
  readonly ask: (person: Person, route: Route, token?: string) => Promise<Verdict>
  /** A metric's value, 0 where it has none yet. */
  readonly metric: (name: string, labels?: Readonly<Record<string, string>>) => Promise<number>
  /** Waits until the watch on changes holds, or does not. */
  readonly untilWatch: (holds: boolean) => Promise<void>
  readonly close: () => Promise<void>
}

/** A token of a person; without `orgRole` it never opens by itself. */
export function tokenOf({ organization, user }: Person, claims: object = {}): string {
  const nowS = Math.floor(Date.now() / 1000)
  return hmacToken(secret, {
    claims: {
      ...{ sub: user, organizationId: organization, iat: nowS - 60, exp: nowS + 3_600 },
      ...claims,
    },
  })
}

/** The bytes of a person's request on a route. */
export const requestBytes = (person: Person, route: Route, token: string): Buffer =>
  httpRequestBytes({
    method: 'GET',
    path: `/${route}/${person.organization}`,
    host: 'api.example.com',
    headers: { authorization: `Bearer ${token}` },
  })

/** Starts `serve` with these variables; resolves once it has seen PostgreSQL. */
export async function startInstance(env: Readonly<Record<string, string>>): Promise<Instance> {
  const process = await startTenantgate({ BETTER_AUTH_SECRET: secret, ...env })
  const client = authorizationClient(process.grpcAddress)
  const requests = new Map<string, Buffer>()
  const get = async (path: string) => (await fetch(`http://${process.httpAddress}${path}`)).text()

  function bytesOf(person: Person, route: Route, token?: string): Buffer {
    if (token !== undefined) return requestBytes(person, route, token)
    const key = `${person.user} ${person.organization} ${route}`
    const known = requests.get(key) ?? requestBytes(person, route, tokenOf(person))
    requests.set(key, known)
    return known
  }

  const metric: Instance['metric'] = async (name, labels) =>
    parseExposition(await get('/metrics')).value(name, labels) ?? 0
  await until(async () => (await get('/readyz')).includes('"status":"ready"') || seen(get), {
    what: 'an instance that is ready',
  })
  return {
    process,
    metric,
    async ask(person, route, token) {
      const bytes = bytesOf(person, route, token)
      const sentMs = performance.now()
      try {
        const { body, code, metadata } = await client.check(bytes, { timeoutMs: 30_000 })
        const type =
          (body as { readonly type?: string } | undefined)?.type ?? 'urn:tenantgate:granted'
        const reason = type.slice('urn:tenantgate:'.length)
        const ms = performance.now() - sentMs
        return { allowed: code === 0, reason, source: metadata['source'], sentMs, ms }
      } catch {
        const ms = performance.now() - sentMs
        return { allowed: false, reason: 'failed', source: undefined, sentMs, ms }
      }
    },
    untilWatch: (holds) =>
      until(async () => (await metric('tenantgate_watch_unbroken')) === Number(holds), {
        what: `a watch that ${holds ? 'holds' : 'is broken'}`,
        withinMs: 20_000,
      }).then(() => undefined),
    async close() {
      client.close()
      await process.close()
    },
  }
}

/** Ready, though a part of it is not there: that is a test's business. */
async function seen(get: (path: string) => Promise<string>): Promise<boolean> {
  return (await get('/readyz')).includes('"status":"degraded"')
}
