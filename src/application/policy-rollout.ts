import type { Policy } from '../domain/policy.ts'
import type { LoadPolicy, LocatedFault } from './load-policy.ts'
import type { PoolWorker } from './worker-pool.ts'

/** A policy with the text that it was loaded from. */
export interface PolicyText {
  readonly policy: Policy
  readonly text: string
}

/** The policy that all workers decide by. */
export interface PolicyRollout {
  /** What a worker that starts now has to start with. */
  readonly inForce: () => PolicyText
  /** Has all workers change to what a text says; of texts that come meanwhile the last one counts. */
  readonly reload: (text: string) => void
}

/** What a rollout rests on. */
export interface PolicyRolloutDeps {
  readonly load: LoadPolicy
  readonly workers: () => readonly PoolWorker[]
  /** From now on it is in force: the log has to have it before any decision by it. */
  readonly onLoaded: (policy: Policy) => void
  readonly onReloadFailed: (faults: readonly LocatedFault[]) => void
  /** A worker cannot load what loads here. */
  readonly onRefused: (workers: readonly number[]) => void
}

/** Time to load a policy, and to change to one that is loaded, in ms. */
const prepareMs = 10_000
const commitMs = 2_000

/**
 * Changes the policy of all workers at once: first each loads it, beside the one in force, then all
 * change. One that cannot be loaded changes none. A worker that does not answer is ended, and one
 * that is just starting too: what follows it starts with the new policy, so that after a change none
 * decides by the old one.
 */
export function createPolicyRollout(initial: PolicyText, deps: PolicyRolloutDeps): PolicyRollout {
  const { workers } = deps
  let inForce = initial
  let next: string | undefined
  let running = false
  deps.onLoaded(initial.policy)

  async function run(): Promise<void> {
    running = true
    while (next !== undefined) {
      const text = next
      next = undefined
      await change(text)
    }
    running = false
  }

  async function change(text: string): Promise<void> {
    const loading = deps.load(text)
    if ('faults' in loading) {
      deps.onReloadFailed(loading.faults)
      return
    }
    const { policy } = loading
    const isOther = policy.version !== inForce.policy.version
    if (isOther && !(await prepareAll({ policy, text }))) return
    inForce = { policy, text }
    deps.onLoaded(policy)
    if (isOther) await Promise.all(workers().map(commit))
  }

  /** False where a worker refused: then none changes. */
  async function prepareAll(candidate: PolicyText): Promise<boolean> {
    const asked = workers().filter(({ serving }) => serving)
    const answers = await Promise.all(asked.map((worker) => prepare(worker, candidate)))
    const refusing = asked.filter((_worker, at) => answers[at] === false)
    if (refusing.length > 0) {
      deps.onRefused(refusing.map(({ index }) => index))
      return false
    }
    for (const [at, { kill }] of asked.entries()) {
      if (answers[at] === undefined) kill('it did not take a policy in time')
    }
    return true
  }

  const prepare = (worker: PoolWorker, { policy: { version }, text }: PolicyText) =>
    worker.ask({ kind: 'prepare', version, text }, prepareMs)

  async function commit(worker: PoolWorker): Promise<void> {
    const { version } = inForce.policy
    if (!worker.serving) {
      worker.kill('the policy that it starts with is not in force any more')
      return
    }
    let changed = await worker.ask({ kind: 'commit', version }, commitMs)
    // Where it does not have it, it began to serve after the others were asked to load it.
    if (changed === false && (await prepare(worker, inForce)) === true) {
      changed = await worker.ask({ kind: 'commit', version }, commitMs)
    }
    if (changed !== true) worker.kill('it did not change its policy in time')
  }

  return {
    inForce: () => inForce,
    reload(text) {
      next = text
      if (!running) void run()
    },
  }
}
