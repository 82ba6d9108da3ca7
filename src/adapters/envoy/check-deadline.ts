import type { Deadline } from '../../application/deadline.ts'
import type { EndSignal } from '../../ports/end-signal.ts'
import { CheckEnd } from './check-end.ts'

/** By when a check has to be answered. A class: every check has one, and most need no more of it. */
export class CheckDeadline implements Deadline {
  private readonly endMs: number
  private readonly monotonicNow: () => number
  private cancelled: boolean
  private end: CheckEnd | undefined
  private answered: string | undefined

  constructor(leftMs: number, monotonicNow: () => number) {
    this.endMs = monotonicNow() + leftMs
    this.monotonicNow = monotonicNow
    this.cancelled = leftMs === 0
  }

  isLate(nowMs = this.monotonicNow()): boolean {
    return this.cancelled || nowMs > this.endMs
  }

  leftMs(): number {
    return this.cancelled ? 0 : Math.max(0, this.endMs - this.monotonicNow())
  }

  answeredAs(): string | undefined {
    return this.answered
  }

  signal(): EndSignal {
    this.end ??= new CheckEnd()
    if (this.cancelled) this.end.abort()
    return this.end
  }

  /** It has passed, or nobody waits any more. */
  cancel(): void {
    this.cancelled = true
    this.end?.abort()
  }

  /** The caller has its answer, under this id, whatever the check comes to. */
  answer(decisionId: string): void {
    this.answered = decisionId
  }
}
