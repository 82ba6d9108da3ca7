import type { Pair } from '../../../src/domain/fact.ts'
import { createRandom, type Random } from './random.ts'
import type { Action, Scenario } from './scenario.ts'

/** One step of a schedule: time passes, then something happens; `draw` decides its details. */
export interface Step {
  readonly afterMs: number
  readonly action: Action
  readonly draw: number
  /** The pair that most of this is about. */
  readonly focus: Pair
}

/**
 * The pairs of a world. Each has its time: who is seen for the first time is decided on in other
 * ways than who was seen before.
 */
export const pairs: readonly Pair[] = [
  { user: 'u1', organization: 'o1' },
  { user: 'u2', organization: 'o1' },
  { user: 'u1', organization: 'o2' },
  { user: 'u3', organization: 'o2' },
  { user: 'u2', organization: 'o2' },
]

/** Draws a schedule for a scenario. */
export function planOf(scenario: Scenario, seed: number, steps: number): readonly Step[] {
  const random = createRandom(seed)
  const actions = Object.entries(scenario.weights) as [Action, number][]
  const total = actions.reduce((sum, [, weight]) => sum + weight, 0)
  const draw = (): Action => {
    let left = random.next() * total
    for (const [action, weight] of actions) {
      left -= weight
      if (left < 0) return action
    }
    return 'request'
  }
  return Array.from({ length: steps }, (_, index) => ({
    afterMs: gapMs(random),
    focus: pairs[Math.floor((index * pairs.length) / steps)] as Pair,
    action: draw(),
    draw: Math.floor(random.next() * 2 ** 31),
  }))
}

/** Mostly as quick as messages are, sometimes as slow as facts age. */
function gapMs(random: Random): number {
  const kind = random.next()
  if (kind < 0.4) return random.between(0, 4)
  if (kind < 0.65) return random.between(0, 100)
  if (kind < 0.86) return random.between(0, 1_500)
  if (kind < 0.96) return random.between(0, 8_000)
  if (kind < 0.997) return random.between(0, 40_000)
  return random.between(0, 1_000_000)
}

/** The shortest part of a schedule, found in so many tries, that fails as the whole does. */
export async function shrink(
  plan: readonly Step[],
  fails: (plan: readonly Step[]) => Promise<boolean>,
  tries = 400,
): Promise<readonly Step[]> {
  let left = tries
  let shortest = plan
  for (let size = Math.ceil(plan.length / 2); size >= 1;) {
    let shrunk = false
    for (let at = 0; at < shortest.length && left > 0; left -= 1) {
      const shorter = [...shortest.slice(0, at), ...shortest.slice(at + size)]
      if (await fails(shorter)) {
        shortest = shorter
        shrunk = true
      } else at += size
    }
    if (left === 0 || (size === 1 && !shrunk)) break
    size = Math.max(1, Math.floor(size / 2))
  }
  return shortest
}
