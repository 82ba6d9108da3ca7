import { randomUUID } from 'node:crypto'
import { statSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { createDecisionHistory } from './adapters/files/decision-history.ts'
import { sha256 } from './adapters/files/policy-document.ts'
import { createAdminRoutes } from './adapters/http/admin-routes.ts'
import type { HttpRoutes } from './adapters/http/server.ts'
import { createBoundedMap } from './adapters/lru/bounded-map.ts'
import { createAdminAccess } from './application/admin-access.ts'
import { createAdminReplay } from './application/admin-replay.ts'
import { createAdminDecisions } from './application/admin-decisions.ts'
import { createIdentify } from './application/authenticate.ts'
import { explain } from './application/explain.ts'
import type { FactsForHttp } from './application/facts.ts'
import { createOnePlace } from './application/one-place.ts'
import type { LoadedPolicy } from './application/policy-history.ts'
import { createRateLimit, type Rate } from './application/rate-limit.ts'
import { coverageOf, explainUnder, startJob } from './compose-admin-jobs.ts'
import type { KeptDecisions } from './compose-decisions.ts'
import type { Config } from './config.ts'
import { isLogFile } from './config-log.ts'
import type { ClaimRules } from './domain/identity.ts'
import type { TokenVerifier } from './ports/token-verifier.ts'
import type { ServiceLog } from './service.ts'

/** Time to find out who asks, in ms. */
const accessTimeoutMs = 2_000
/** How often one subject may ask, and all platform admins together. */
const ofSubject: Rate = { burst: 30, perMinute: 120 }
const ofAll: Rate = { burst: 100, perMinute: 600 }
/** What one request reads of the decision log's file, in bytes. */
const maxLogBytes = 8 * 1024 * 1024

/** What the admin API is put together from. */
export interface AdminComposition {
  readonly log: ServiceLog
  readonly kept: KeptDecisions
  readonly config: Config
  readonly tokens: TokenVerifier
  readonly rules: ClaimRules
  readonly facts: Pick<FactsForHttp, 'ask'>
  readonly now: () => number
  readonly monotonicNow: () => number
  readonly onFault: (kind: string) => (cause: unknown) => void
}

/** The admin API, ready to be served. */
export function composeAdmin(composition: AdminComposition): HttpRoutes {
  const { config, facts, kept, log, monotonicNow, now, rules, tokens } = composition
  const { pages, policies } = kept
  const file = isReadable(config.decisionLog) ? config.decisionLog : undefined
  const limit = (rate: Rate) => createRateLimit(rate, { createMap: createBoundedMap, monotonicNow })
  const inForce = (): LoadedPolicy => {
    const current = policies.current()
    if (current === undefined) throw new Error('no policy was ever loaded')
    return current
  }
  return createAdminRoutes({
    access: createAdminAccess({
      identify: createIdentify({ tokens, rules, now }),
      readFact: (pair, signal) => facts.ask(pair, 'database', signal),
      limits: { subject: limit(ofSubject), all: limit(ofAll) },
      onFault: composition.onFault('admin'),
    }),
    timeoutMs: accessTimeoutMs,
    monotonicNow,
    onRequest: (request) =>
      log[request.access === 'admitted' ? 'info' : 'warn'](request, 'admin request'),
    decisions: createAdminDecisions({
      pages,
      history:
        file === undefined ? undefined : createDecisionHistory({ file, maxBytes: maxLogBytes }),
      policyByVersion: policies.byVersion,
      digest: sha256,
      process: randomUUID(),
    }),
    policy: inForce,
    explain: (stated, policy) =>
      policy === undefined
        ? explain(inForce().policy, stated, now())
        : explainUnder(policy, stated, now()),
    explainPlace: createOnePlace(),
    replay: createAdminReplay({
      start: startJob,
      place: createOnePlace(),
      pages,
      file,
      definitions: policies.definitions,
      nextTurn: () => setImmediate(),
    }),
    reports: {
      coverage: (signal) => coverageOf(inForce().policy, signal),
      doctor: async () => (await import('./compose-doctor.ts')).examine(config),
      places: { coverage: createOnePlace(), doctor: createOnePlace() },
    },
  })
}

/** A pipe or a device is written to, and would be emptied by reading it back. */
function isReadable(decisionLog: string): boolean {
  if (!isLogFile(decisionLog)) return false
  return statSync(decisionLog, { throwIfNoEntry: false })?.isFile() ?? true
}
