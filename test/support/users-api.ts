import { createUserRoutes } from '../../src/adapters/http/user-routes.ts'
import { startHttpServer } from '../../src/adapters/http/server.ts'
import { createAuthenticate, type AuthenticateDeps } from '../../src/application/authenticate.ts'
import { createUsers } from '../../src/application/users.ts'
import { nowMs, uncheckedRules } from './builders.ts'
import type { Tables } from './tables.ts'
import { goodClaims, hmacToken, verifierWith } from './tokens.ts'

export const secret = 'a secret of thirty-two characters or more'

/** The users API on a real port, over the tables of a test. */
export interface UsersApi {
  readonly url: string
  readonly faults: unknown[]
  /** Asks as a user with a token of an organization; names are the test's. */
  readonly get: (path: string, as?: Asker, init?: RequestInit) => Promise<Answer>
  readonly close: () => Promise<void>
}

/** Whose token is sent. */
export interface Asker {
  readonly user: string
  readonly organization?: string
  readonly claims?: Readonly<Record<string, unknown>>
}

/** An answer with its body read as JSON. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly json: unknown
}

/** The `authorization` header of a user. */
export function authorizationOf({ id }: Pick<Tables, 'id'>, asker: Asker): string {
  const { claims, organization, user } = asker
  const organizationId = organization === undefined ? null : id(organization)
  const all = { ...goodClaims, sub: id(user), organizationId, ...claims }
  return `Bearer ${hmacToken(secret, { claims: all })}`
}

export async function startUsersApi(
  tables: Tables,
  options: { readonly timeoutMs?: number; readonly deps?: Partial<AuthenticateDeps> } = {},
): Promise<UsersApi> {
  const faults: unknown[] = []
  const onFault = (cause: unknown): void => void faults.push(cause)
  const facts = tables.facts({ dynamicRoles: false })
  const authenticate = createAuthenticate({
    tokens: verifierWith(undefined, [secret]),
    readFact: (pair, signal) => facts.read(pair, signal),
    rules: uncheckedRules,
    now: () => nowMs,
    onFault,
    ...options.deps,
  })
  const users = createUsers(tables)
  const server = await startHttpServer({
    listen: { host: '127.0.0.1', port: 0 },
    tls: undefined,
    readiness: () => ({ status: 'ready', components: { postgres: { status: 'ok' } } }),
    metrics: async () => ({ contentType: 'text/plain', text: 'up 1\n' }),
    routes: [createUserRoutes({ authenticate, users, timeoutMs: options.timeoutMs ?? 5_000 })],
    onFault,
  })
  const url = `http://${server.address}`
  return {
    url,
    faults,
    async get(path, as, init = {}) {
      const headers = new Headers(init.headers)
      if (as !== undefined) headers.set('authorization', authorizationOf(tables, as))
      const response = await fetch(url + path, { redirect: 'manual', ...init, headers })
      const text = await response.text()
      const isJson = response.headers.get('content-type')?.includes('json') === true
      const json: unknown = isJson && text !== '' ? JSON.parse(text) : undefined
      return { status: response.status, headers: response.headers, text, json }
    },
    close: server.close,
  }
}
