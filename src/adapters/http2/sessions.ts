import type { Socket } from 'node:net'
import { readInto } from './read-into.ts'
import { Session } from './session.ts'
import type { Shared } from './shared.ts'

/** The connections of a server. */
export class Sessions {
  readonly #shared: Shared
  readonly #readBuffer: Buffer | undefined
  readonly #sessions = new Set<Session>()
  #onNone: (() => void) | undefined

  /** Sockets read into `readBuffer`, where there is one and Node allows it. */
  constructor(shared: Shared, readBuffer: Buffer | undefined) {
    this.#shared = shared
    this.#readBuffer = readBuffer
  }

  /** Serves an accepted socket, which is paused. */
  add(accepted: Socket): void {
    const read = (bytes: Buffer, length: number): void => session.read(bytes, length)
    const taken =
      this.#readBuffer === undefined ? undefined : readInto(this.#readBuffer, accepted, read)
    const socket = taken ?? accepted
    const session = new Session(socket, this.#shared)
    this.#sessions.add(session)
    socket.on('drain', () => session.drained())
    socket.on('end', () => session.lost())
    socket.on('error', () => session.lost()) // 'close' follows
    socket.on('close', () => {
      session.lost()
      this.#sessions.delete(session)
      if (this.#sessions.size === 0) this.#onNone?.()
    })
    if (taken !== undefined) return
    socket.on('data', (bytes: Buffer) => read(bytes, bytes.length))
    socket.resume()
  }

  tick(nowMs: number): void {
    const wholeMs = Math.trunc(nowMs)
    this.#shared.clock.nowMs = wholeMs
    for (const session of this.#sessions) session.tick(wholeMs)
  }

  /** Finishes what is under way; what is not finished after `withinMs` is cut off. */
  async close(withinMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<undefined>()
    this.#onNone = () => resolve(undefined)
    for (const session of this.#sessions) session.drain()
    if (this.#sessions.size === 0) return
    const timer = setTimeout(() => {
      for (const session of this.#sessions) session.abandon()
    }, withinMs)
    await promise
    clearTimeout(timer)
  }
}
