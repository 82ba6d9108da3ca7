import { createTextSlots } from '../../src/adapters/buffers/text-slots.ts'
import { setImmediate } from 'node:timers/promises'
import { createDecisionHistory } from '../../src/adapters/files/decision-history.ts'
import { sha256 } from '../../src/adapters/files/policy-document.ts'
import { createAdminRoutes, type AdminRoutesDeps } from '../../src/adapters/http/admin-routes.ts'
import type { AdminRequest } from '../../src/adapters/http/admin-guard.ts'
import { startHttpServer } from '../../src/adapters/http/server.ts'
import { createBoundedMap } from '../../src/adapters/lru/bounded-map.ts'
import { createAdminAccess, type AdminAccessDeps } from '../../src/application/admin-access.ts'
import { createAdminReplay } from '../../src/application/admin-replay.ts'
import { createAdminDecisions } from '../../src/application/admin-decisions.ts'
import { createIdentify } from '../../src/application/authenticate.ts'
import { pagesOfStore } from '../../src/application/decision-pages.ts'
import { createDecisionStore, type DecisionStore } from '../../src/application/decision-store.ts'
import { explain } from '../../src/application/explain.ts'
import { createOnePlace } from '../../src/application/one-place.ts'
import { createPolicyHistory, type PolicyHistory } from '../../src/application/policy-history.ts'
import { createRateLimit, type Rate } from '../../src/application/rate-limit.ts'
import { coverageOf, explainUnder, startJob } from '../../src/compose-admin-jobs.ts'
import { ok } from '../../src/domain/finding.ts'
import type { Policy } from '../../src/domain/policy.ts'
import { nowMs, policyWith, uncheckedRules } from './builders.ts'
import type { Tables } from './tables.ts'
import { verifierWith } from './tokens.ts'
import { authorizationOf, secret, type Answer, type Asker } from './users-api.ts'

/** The policy in force of the API. */
export const adminPolicy = policyWith([
  '{ name: list, match: "GET /o/{organizationId}/leave", permission: leave:read }',
  '{ name: approve, match: "POST /o/{organizationId}/leave", permission: leave:approve }',
  '{ name: me, match: GET /me, access: authenticated }',
  '{ name: health, match: GET /healthz, access: public }',
])

/** The admin API on a real port, over the tables of a test. */
export interface AdminApi {
  readonly url: string
  readonly store: DecisionStore
  readonly policies: PolicyHistory
  readonly faults: unknown[]
  /** What was told of each request, in the order in which they ended. */
  readonly told: AdminRequest[]
  readonly ask: (path: string, as?: Asker | string, init?: RequestInit) => Promise<Answer>
  readonly close: () => Promise<void>
}

export interface AdminApiOptions {
  readonly file?: string
  readonly policy?: Policy
  readonly access?: Partial<AdminAccessDeps>
  readonly routes?: Partial<AdminRoutesDeps>
  readonly rate?: Rate
  readonly rateOfAll?: Rate
  readonly entries?: number
  readonly maxLogBytes?: number
}

const unlimited: Rate = { burst: 1e9, perMinute: 1e9 }

export async function startAdminApi(
  tables: Tables,
  options: AdminApiOptions = {},
): Promise<AdminApi> {
  const faults: unknown[] = []
  const told: AdminRequest[] = []
  const onFault = (cause: unknown): void => void faults.push(cause)
  const facts = tables.facts({ dynamicRoles: false })
  const monotonicNow = (): number => performance.now()
  const limit = (rate: Rate) => createRateLimit(rate, { createMap: createBoundedMap, monotonicNow })
  const store = createDecisionStore({
    createTexts: createTextSlots,
    maxEntries: options.entries ?? 1_000,
    maxBytes: 256e6,
  })
  const policies = createPolicyHistory(() => new Date(nowMs).toISOString())
  const policy = options.policy ?? adminPolicy
  policies.loaded(policy)
  const inForce = () => policies.current() ?? { policy, loadedAt: '' }
  const { file } = options
  const server = await startHttpServer({
    listen: { host: '127.0.0.1', port: 0 },
    tls: undefined,
    readiness: () => ({ status: 'ready', components: {} }),
    metrics: async () => ({ contentType: 'text/plain', text: '' }),
    onFault,
    routes: [
      createAdminRoutes({
        access: createAdminAccess({
          identify: createIdentify({
            tokens: verifierWith(undefined, [secret]),
            rules: uncheckedRules,
            now: () => nowMs,
          }),
          readFact: (pair, signal) => facts.read(pair, signal),
          limits: {
            subject: limit(options.rate ?? unlimited),
            all: limit(options.rateOfAll ?? unlimited),
          },
          onFault,
          ...options.access,
        }),
        timeoutMs: 2_000,
        monotonicNow,
        onRequest: (request) => void told.push(request),
        decisions: createAdminDecisions({
          pages: options.entries === 0 ? undefined : pagesOfStore(store),
          history:
            file === undefined
              ? undefined
              : createDecisionHistory({ file, maxBytes: options.maxLogBytes ?? 1e6 }),
          policyByVersion: policies.byVersion,
          digest: sha256,
          process: '0190ab12-cdef-4abc-8def-000000000001',
        }),
        policy: inForce,
        explain: (stated, text) =>
          text === undefined
            ? explain(inForce().policy, stated, nowMs)
            : explainUnder(text, stated, nowMs),
        explainPlace: createOnePlace(),
        replay: createAdminReplay({
          start: startJob,
          place: createOnePlace(),
          pages: options.entries === 0 ? undefined : pagesOfStore(store),
          file,
          definitions: policies.definitions,
          nextTurn: () => setImmediate(),
        }),
        reports: {
          coverage: (signal) => coverageOf(inForce().policy, signal),
          doctor: async () => [ok('clock', 'it goes')],
          places: { coverage: createOnePlace(), doctor: createOnePlace() },
        },
        ...options.routes,
      }),
    ],
  })
  const url = `http://${server.address}`
  return {
    ...{ url, store, policies, faults, told },
    async ask(path, as, init = {}) {
      const headers = new Headers(init.headers)
      if (init.body !== undefined && !headers.has('content-type')) {
        headers.set('content-type', 'application/json')
      }
      if (typeof as === 'string') headers.set('authorization', as)
      else if (as !== undefined) headers.set('authorization', authorizationOf(tables, as))
      const response = await fetch(url + path, { redirect: 'manual', ...init, headers })
      const text = await response.text()
      const isJson =
        response.headers.get('content-type')?.includes('json') === true &&
        response.headers.get('content-type') !== 'application/x-ndjson'
      const json: unknown = isJson && text !== '' ? JSON.parse(text) : undefined
      return { status: response.status, headers: response.headers, text, json }
    },
    close: server.close,
  }
}
