import type { ScenarioResult } from './bench.ts'
import { addSample, type Samples } from './samples.ts'

/** Collects what a scenario measures. */
export interface Recorder {
  /** Takes a round's values of a contestant, unless it was left out. A fault is tried once more. */
  readonly take: (
    name: string,
    measure: () => Promise<Readonly<Record<string, number>>>,
  ) => Promise<void>
  readonly leaveOut: (name: string, why: string) => void
  readonly isLeftOut: (name: string) => boolean
  readonly result: () => ScenarioResult
}

const attempts = 2

/** A wrong answer, or one that cannot be trusted: nothing that a second attempt mends. */
export class WrongAnswer extends Error {
  override readonly name = 'WrongAnswer'
}

/** A contestant that gives wrong answers, or fails twice, is left out with what it measured before. */
export function createRecorder(tell: (line: string) => void): Recorder {
  const samples: Samples = {}
  const leftOut: Record<string, string> = {}
  const leaveOut = (name: string, why: string): void => {
    leftOut[name] = why
    Reflect.deleteProperty(samples, name)
    tell(`left out: ${name}: ${why}`)
  }
  return {
    leaveOut,
    isLeftOut: (name) => name in leftOut,
    result: () => ({ samples, leftOut }),
    async take(name, measure) {
      if (name in leftOut) return
      for (let attempt = 1; ; attempt += 1) {
        try {
          const values = await measure()
          addSample(samples, name, values)
          tell(`${name}: ${shown(values)}`)
          return
        } catch (error) {
          const why = error instanceof Error ? error.message : String(error)
          if (attempt === attempts || error instanceof WrongAnswer) {
            leaveOut(name, why.split('\n').slice(0, 3).join(' '))
            return
          }
          tell(`again: ${name}: ${why}`)
        }
      }
    },
  }
}

const shown = (values: Readonly<Record<string, number>>): string =>
  Object.entries(values)
    .map(([measure, value]) => `${measure} ${Number(value.toPrecision(4))}`)
    .join(', ')
