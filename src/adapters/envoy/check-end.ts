import type { EndSignal } from '../../ports/end-signal.ts'

/** Tells those who work for a check that nobody waits for it any more. */
export class CheckEnd implements EndSignal {
  aborted = false
  /** Few: what waits for one thing does not wait for another. */
  private listeners: (() => void)[] = []

  addEventListener(_type: 'abort', listener: () => void): void {
    this.listeners.push(listener)
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    const at = this.listeners.lastIndexOf(listener)
    if (at !== -1) this.listeners.splice(at, 1)
  }

  /** Calls each listener once; whoever comes later finds it aborted. Listeners must not throw. */
  abort(): void {
    if (this.aborted) return
    this.aborted = true
    const listeners = this.listeners
    this.listeners = []
    for (const listener of listeners) listener()
  }
}
