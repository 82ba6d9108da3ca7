import { setTimeout as pause } from 'node:timers/promises'
import type { Restartable } from '../../src/adapters/servers/restartable.ts'
import type { TcpProxy } from './tcp-proxy.ts'

/** A server that faults befall, and the proxy in front of it. */
export interface Target {
  readonly name: string
  readonly server: Pick<Restartable, 'stop' | 'start' | 'pause' | 'resume'>
  readonly proxy: TcpProxy
  /** Runs before it is stopped; what it returns, once it is there again. */
  readonly beforeStop?: () => Promise<() => void>
  /** Told when a fault begins; what it returns, when that has ended. */
  readonly onFault?: () => () => void
}

const kinds = ['cut', 'swallow', 'delay', 'stop', 'pause'] as const
type Kind = (typeof kinds)[number]

/** Faults at random, one at a time on each target, until the time is over; all are healed then. */
export async function injectFaults(options: {
  readonly targets: readonly Target[]
  readonly forMs: number
  /** How long a fault lasts at most, in ms. */
  readonly longestMs: number
  readonly random: () => number
}): Promise<readonly string[]> {
  const { forMs, longestMs, random, targets } = options
  const endMs = performance.now() + forMs
  const told: string[] = []

  async function inflict(target: Target): Promise<void> {
    while (performance.now() < endMs) {
      await pause(random() * longestMs)
      const kind = kinds[Math.floor(random() * kinds.length)] ?? 'cut'
      const lastsMs = Math.min(100 + random() * longestMs, endMs - performance.now())
      if (lastsMs <= 0) return
      told.push(`${target.name} ${kind} ${Math.round(lastsMs)} ms`)
      const over = target.onFault?.()
      const heal = await begin(target, kind, random)
      await pause(lastsMs)
      await heal()
      over?.()
    }
  }
  await Promise.all(targets.map(inflict))
  return told
}

/** Begins a fault; gives how to end it. */
async function begin(
  { beforeStop, proxy, server }: Target,
  kind: Kind,
  random: () => number,
): Promise<() => void | Promise<void>> {
  switch (kind) {
    case 'cut':
      proxy.cut()
      return proxy.heal
    case 'swallow':
      proxy.swallow()
      return proxy.heal
    case 'delay':
      proxy.delay(20 + random() * 300)
      return proxy.heal
    case 'pause':
      server.pause()
      return server.resume
    case 'stop': {
      const release = await beforeStop?.()
      await server.stop()
      return async () => {
        await server.start()
        release?.()
      }
    }
  }
}
