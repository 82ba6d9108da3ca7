import type { Redis } from 'ioredis'
import type { RedisAddress } from './address.ts'
import { createBackoff } from './backoff.ts'
import { createClient, redisFault } from './client.ts'
import { whenLate } from './when-late.ts'

/** One connection to Redis, and whether it answers in time. */
export interface Link {
  /** Whether the last probe was answered in time, and nothing was late since. */
  readonly available: () => boolean
  /** Whether a command can be sent at all, answered in time or not. */
  readonly connected: () => boolean
  /**
   * Sends a command, once, after all that were sent before. Rejects where it cannot be sent, was
   * answered by an error, or the connection broke: then nobody knows whether it was carried out.
   */
  readonly send: <T>(command: (client: Redis) => Promise<T>) => Promise<T>
  /** To be told when an answer is late: the link is not available until a probe is in time. */
  readonly suspect: () => void
  /** Lets what was sent be answered for a moment, then hangs up. */
  readonly close: () => Promise<void>
}

/** What a link rests on. */
export interface LinkDeps {
  readonly address: RedisAddress
  /** An answer that takes longer is late, in ms. */
  readonly timeoutMs: number
  readonly onFault: (cause: Error) => void
  readonly onState: (available: boolean) => void
}

/** A connection on which a probe is not answered for so long is given up. */
const stuckAfterMs = 1_000
const probeEveryMs = 1_000
const farewellMs = 200

/** Connects in the background. No server needs to be there, now or ever. */
export function createLink(deps: LinkDeps): Link {
  const { address, onState, timeoutMs } = deps
  let available = false
  let closed = false
  let probing = false
  let nextProbe: NodeJS.Timeout | undefined
  const clock = { monotonicNow: () => performance.now(), random: Math.random }
  const reconnectAfterMs = createBackoff(clock)
  const probeAfterMs = createBackoff(clock)
  const onFault = (cause: Error): void => {
    if (!closed) deps.onFault(cause)
  }
  const client = createClient({ address, onFault, reconnectAfterMs })

  function setAvailable(now: boolean): void {
    if (now === available) return
    available = now
    onState(now)
  }

  const connected = (): boolean => !closed && client.status === 'ready' && client.stream.writable

  function probeIn(ms: number): void {
    clearTimeout(nextProbe)
    nextProbe = setTimeout(() => void probe(), ms)
  }

  function hangUp(why: string): void {
    onFault(new Error(`Redis: ${why}: connecting anew`))
    setAvailable(false)
    const { stream } = client
    // With a reset, for what the kernel still holds must not arrive after what is sent from now on.
    if (address.tls) stream.destroy()
    else stream.resetAndDestroy()
  }

  /** Asks whether the server answers, on the connection that commands use, after all of them. */
  async function probe(): Promise<void> {
    if (probing || !connected()) return
    probing = true
    const { stream } = client
    let late = false
    const answer = askAlive()
    whenLate(answer, timeoutMs, () => {
      late = true
      if (stream === client.stream) setAvailable(false)
    })
    whenLate(answer, stuckAfterMs, () => {
      if (stream === client.stream && connected()) hangUp('it does not answer')
    })
    const alive = await answer.catch((cause: unknown) => {
      onFault(redisFault(cause))
      return false
    })
    probing = false
    if (stream !== client.stream) return probe() // a new connection was waiting for this to end
    if (!connected()) return
    setAvailable(alive && !late)
    probeIn(available ? probeEveryMs : probeAfterMs())
  }

  async function askAlive(): Promise<boolean> {
    // The library connects to database 0 where it may not select; entries do not belong there.
    if (address.db !== 0) await client.select(address.db)
    const answer: string = await client.ping()
    return answer === 'PONG'
  }

  client.on('ready', () => void probe())
  client.on('close', () => {
    clearTimeout(nextProbe)
    setAvailable(false)
  })

  return {
    available: () => available,
    connected,
    async send(command) {
      try {
        return await command(client)
      } catch (cause) {
        const fault = redisFault(cause)
        // After a failover the name stands for another server: look it up again.
        if (fault.message.startsWith('Redis: READONLY') && connected()) hangUp('it is a replica')
        throw fault
      }
    },
    suspect() {
      if (!available) return
      setAvailable(false)
      if (!probing) probeIn(probeAfterMs())
    },
    async close() {
      if (closed) return
      const farewell = connected() ? client.ping().catch(() => undefined) : Promise.resolve()
      closed = true
      clearTimeout(nextProbe)
      setAvailable(false)
      await settledWithin(farewell, farewellMs)
      client.disconnect()
      const stream = client.stream as typeof client.stream | undefined
      if (stream === undefined || stream.closed) return
      await new Promise((resolve) => stream.once('close', resolve).destroy())
    },
  }
}

async function settledWithin(work: Promise<unknown>, ms: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<undefined>()
  const timer = setTimeout(() => resolve(undefined), ms)
  await Promise.race([work, promise])
  clearTimeout(timer)
}
