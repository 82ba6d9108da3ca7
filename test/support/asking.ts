import { setTimeout as pause } from 'node:timers/promises'
import type { Route } from './freshness-policy.ts'
import type { Instance, Verdict } from './instance.ts'
import type { Person } from './people.ts'

/** Somebody who asks one thing over and over, one request at a time. */
export interface Asking {
  readonly verdicts: readonly Verdict[]
  /** When the last request that was allowed had been sent; -Infinity: none was. */
  readonly lastAllowMs: () => number
  readonly stop: () => Promise<readonly Verdict[]>
}

/** Keeps a subject active: asks, waits, asks again. */
export function keepAsking(
  instance: Pick<Instance, 'ask'>,
  person: Person,
  route: Route,
  { everyMs = 20, token }: { readonly everyMs?: number; readonly token?: string } = {},
): Asking {
  const verdicts: Verdict[] = []
  let running = true
  const run = async (): Promise<void> => {
    while (running) {
      verdicts.push(await instance.ask(person, route, token))
      await pause(everyMs)
    }
  }
  const done = run()
  return {
    verdicts,
    lastAllowMs: () => verdicts.findLast(({ allowed }) => allowed)?.sentMs ?? -Infinity,
    async stop() {
      running = false
      await done
      return verdicts
    },
  }
}
