import type { ComponentState, ReadinessReport } from './readiness.ts'
import { isReady } from './worker-slot.ts'
import type { WorkerState } from './worker-talk.ts'

/** What the supervisor itself knows. */
export interface OwnReadiness {
  /** How the policy file is, and the version in force. */
  readonly policy: ComponentState
  readonly version: string
  /** All workers were ready at once before. */
  readonly begun: boolean
  readonly draining: boolean
}

/** Components whose fault is named worker by worker, at most. */
const mostNamed = 3
const severity = { ok: 0, degraded: 1, down: 2 } as const

/**
 * How the service is, by how its workers are: ready once all are, and degraded from then on while
 * some are not, since gateways know from each worker's own health which to ask. A component is as
 * bad as it is where it is worst.
 */
export function pooledReadiness(
  states: readonly (WorkerState | undefined)[],
  own: OwnReadiness,
): ReadinessReport {
  const ready = states.filter(isReady).length
  const components: Record<string, ComponentState> = {
    ...worstOf(states),
    policy: policyOf(states, own),
    workers: workersOf(states, ready),
  }
  const degraded = Object.values(components).some(({ status }) => status !== 'ok')
  const able = ready === states.length || (own.begun && ready > 0)
  const status = own.draining ? 'draining' : !able ? 'not_ready' : degraded ? 'degraded' : 'ready'
  return { status, components }
}

function worstOf(states: readonly (WorkerState | undefined)[]): Record<string, ComponentState> {
  const names = new Set(states.flatMap((state) => Object.keys(state?.report.components ?? {})))
  const worst: Record<string, ComponentState> = {}
  for (const name of names) {
    const told = states.map((state) => state?.report.components[name])
    const statuses = told.map((one) => one?.status ?? 'ok')
    const status = statuses.reduce((a, b) => (severity[a] < severity[b] ? b : a), 'ok')
    const faulty = told.flatMap((one, index) =>
      one === undefined || one.status === 'ok'
        ? []
        : [`worker ${index}${one.detail === undefined ? '' : `: ${one.detail}`}`],
    )
    const [first] = told
    const isOne = told.every((one) => one?.detail === first?.detail && one?.status === status)
    worst[name] = isOne && first !== undefined ? first : { status, ...detailOf(faulty) }
  }
  return worst
}

function policyOf(
  states: readonly (WorkerState | undefined)[],
  { policy, version }: OwnReadiness,
): ComponentState {
  const other = states.flatMap((state, index) =>
    state === undefined || state.policy === version ? [] : [`worker ${index} has ${state.policy}`],
  )
  return other.length === 0 ? policy : { status: 'degraded', ...detailOf(other) }
}

function workersOf(states: readonly (WorkerState | undefined)[], ready: number): ComponentState {
  const missing = states.flatMap((state, index) =>
    isReady(state)
      ? []
      : [`worker ${index} ${state === undefined ? 'does not answer' : 'is not ready'}`],
  )
  if (missing.length === 0) return { status: 'ok', detail: `${ready} are ready` }
  return { status: ready === 0 ? 'down' : 'degraded', ...detailOf(missing) }
}

function detailOf(faults: readonly string[]): { readonly detail?: string } {
  if (faults.length === 0) return {}
  const more = faults.length - mostNamed
  const named = faults.slice(0, mostNamed).join('; ')
  return { detail: more > 0 ? `${named}; and ${more} more` : named }
}
