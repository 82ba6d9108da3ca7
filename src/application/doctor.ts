import { counted, error, listed, warn, type Finding } from '../domain/finding.ts'
import { messageOf } from './faults.ts'
import { unlessAborted } from './unless-aborted.ts'

/** One thing to look at. Its findings may bear names of their own. */
export interface Check {
  readonly name: string
  /** What it counts as where the check itself fails: nothing was proven. */
  readonly doubt: 'warn' | 'error'
  readonly run: () => Promise<readonly Finding[]> | readonly Finding[]
}

/** A part of the platform that was reached. */
export interface OpenPart {
  /** What was found while it was opened, `<part>.reachable` first. */
  readonly findings: readonly Finding[]
  readonly checks: readonly Check[]
  /** Rejects where the part no longer answers. */
  readonly answers: () => Promise<unknown>
  readonly close: () => unknown
}

/** A part of the platform: how it is reached, and what it means where it is not. */
export interface Part {
  readonly name: string
  /** Where it is, without credentials. */
  readonly place: string
  /** Opens it; may leave nothing open where it rejects or where nobody waits any more. */
  readonly open: () => Promise<OpenPart>
  readonly unreachable: { readonly why: string; readonly mend: string }
}

/** What the doctor needs beside the parts. */
export interface DoctorDeps {
  /** A signal that aborts after so many ms. */
  readonly timeLimit: (ms: number) => AbortSignal
  /** Takes secrets out of what libraries say. */
  readonly redact: (text: string) => string
  /** How long opening a part, and each check, may take, in ms. */
  readonly openMs: number
  readonly checkMs: number
}

/** Examines parts; never rejects. */
export type Doctor = (parts: readonly Part[]) => Promise<readonly Finding[]>

/**
 * Makes the doctor. Parts are looked at side by side, the checks of one part one after another on
 * its connection. A check that fails or takes too long is a finding and stops no other one, unless
 * its part has gone away: then the rest of the part's checks are one finding.
 */
export function createDoctor(deps: DoctorDeps): Doctor {
  return async (parts) => (await Promise.all(parts.map(examine))).flat()

  function within<T>(ms: number, work: () => Promise<T> | T): Promise<T> {
    const tooLate = (): never => {
      throw new Error(`no answer within ${ms / 1000} s`)
    }
    return unlessAborted(
      (async () => work())(), // a throw before the first await is a rejection like any other
      deps.timeLimit(ms),
      tooLate,
    )
  }

  async function examine(part: Part): Promise<readonly Finding[]> {
    const opening = (async () => part.open())()
    let opened: OpenPart
    try {
      opened = await within(deps.openMs, () => opening)
    } catch (cause) {
      // What opens after all must not hold the process.
      void opening.then((late) => late.close()).catch(() => undefined)
      const why = deps.redact(messageOf(cause))
      return [error(`${part.name}.reachable`, `${part.place}: ${why}`, part.unreachable)]
    }
    try {
      return [...opened.findings, ...(await runAll(part, opened))]
    } finally {
      void Promise.resolve(opened.close()).catch(() => undefined) // or it goes with the process
    }
  }

  async function runAll(part: Part, opened: OpenPart): Promise<readonly Finding[]> {
    const findings: Finding[] = []
    for (const [index, check] of opened.checks.entries()) {
      try {
        findings.push(...(await within(deps.checkMs, check.run)))
      } catch (cause) {
        const gone = await whyGone(opened)
        if (gone !== undefined) {
          findings.push(lost(part, opened.checks.slice(index), gone))
          break
        }
        findings.push(failed(check, deps.redact(messageOf(cause))))
      }
    }
    return findings
  }

  async function whyGone(opened: OpenPart): Promise<string | undefined> {
    try {
      await within(deps.checkMs, opened.answers)
      return undefined
    } catch (cause) {
      return deps.redact(messageOf(cause))
    }
  }
}

function failed(check: Check, why: string): Finding {
  return (check.doubt === 'error' ? error : warn)(check.name, `could not be checked: ${why}`, {
    why: 'what was not seen may be as it should be, or not',
    mend: 'mend what the message says, then run tenantgate doctor again',
  })
}

function lost(part: Part, rest: readonly Check[], why: string): Finding {
  const names = listed(rest.map(({ name }) => name))
  return error(
    `${part.name}.answers`,
    `${part.place} stopped answering (${why}): ${counted(rest.length, 'check')} not made: ${names}`,
    part.unreachable,
  )
}
