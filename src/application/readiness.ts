/** How a part of the service is. */
export interface ComponentState {
  /** `ok`, `degraded` (works on what it last had) or `down`. */
  readonly status: 'ok' | 'degraded' | 'down'
  readonly detail?: string
}

/** What `/readyz` says. */
export interface ReadinessReport {
  readonly status: 'ready' | 'degraded' | 'not_ready' | 'draining'
  readonly components: Readonly<Record<string, ComponentState>>
}

/** Gathers the state of every component; ready once PostgreSQL has answered. */
export interface Readiness {
  readonly report: () => ReadinessReport
  /** A state, or how to tell it when it is asked for. */
  readonly set: (component: string, state: ComponentState | (() => ComponentState)) => void
  /** PostgreSQL answered; ready from the first time on. */
  readonly databaseAnswered: () => void
  /** PostgreSQL did not answer; the service stays ready, and says so. */
  readonly databaseFailed: (detail: string) => void
  readonly drain: () => void
}

/** Starts not ready; `onReady` is called once. */
export function createReadiness(onReady: () => void): Readiness {
  const components = new Map<string, ComponentState | (() => ComponentState)>([
    ['postgres', { status: 'down', detail: 'has not answered yet' }],
  ])
  let ready = false
  let draining = false
  return {
    report() {
      const states = [...components].map(
        ([component, state]) => [component, typeof state === 'function' ? state() : state] as const,
      )
      const degraded = states.some(([, { status }]) => status !== 'ok')
      const status = draining ? 'draining' : !ready ? 'not_ready' : degraded ? 'degraded' : 'ready'
      return { status, components: Object.fromEntries(states) }
    },
    set: (component, state) => void components.set(component, state),
    databaseAnswered() {
      components.set('postgres', { status: 'ok' })
      if (ready) return
      ready = true
      onReady()
    },
    databaseFailed: (detail) => void components.set('postgres', { status: 'down', detail }),
    drain() {
      draining = true
    },
  }
}
