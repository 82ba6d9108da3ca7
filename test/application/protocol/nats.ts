import type { Random } from './random.ts'
import type { Timeline } from './timeline.ts'

/** An event as a publisher words it; null: it does not say. */
export interface Announcement {
  readonly user: string | null
  readonly organization: string | null
  /** The commit that it is of, for the oracle: no process is told. */
  readonly commit: number
}

/** What a connection hears from the server, in order. */
export interface Told {
  readonly message: (announcement: Announcement, index: number) => void
  readonly pong: (ping: number) => void
}

/** One connection of a process to the server. */
export interface Connection {
  readonly told: Told
  /** When it stopped carrying anything, in ms of true time; nobody is told. */
  deadSinceMs: number | undefined
  /** Whether the server passes on what is published. */
  subscribed: boolean
  lastMs: number
}

/** NATS: connections that keep order and die unnoticed, and a stream that keeps what came. */
export interface Nats {
  readonly connect: (told: Told) => Connection
  /** Answered behind all that was passed on before; the first one subscribes, with core NATS. */
  readonly ping: (connection: Connection, ping: number, subscribes: boolean) => void
  /** Hands over the stream from a place on, and then all that comes. */
  readonly replay: (connection: Connection, from: number) => void
  readonly publish: (announcement: Announcement) => void
  readonly set: (up: boolean) => void
  readonly up: () => boolean
  readonly kill: (connection: Connection) => void
  /** The place of the next message in the stream. */
  readonly end: () => number
  /** The place of the first message that was published then or later. */
  readonly since: (atMs: number) => number
}

/** Makes a server that holds no messages. */
export function createNats(deps: { readonly timeline: Timeline; readonly random: Random }): Nats {
  const { random, timeline } = deps
  const stream: { readonly announcement: Announcement; readonly atMs: number }[] = []
  let connections: Connection[] = []
  let up = true

  const wayMs = (): number => random.between(0, random.pick([0.2, 2, 40]))

  /** What has left the server arrives in order, unless the connection dies before. */
  function send(connection: Connection, task: () => void): void {
    connection.lastMs = Math.max(connection.lastMs + 0.001, timeline.nowMs() + wayMs())
    timeline.in(connection.lastMs - timeline.nowMs(), () => {
      if (connection.deadSinceMs === undefined) task()
    })
  }

  function kill(connection: Connection): void {
    connection.deadSinceMs ??= timeline.nowMs()
    connections = connections.filter((one) => one !== connection)
  }

  return {
    connect(told) {
      const connection: Connection = {
        told,
        deadSinceMs: up ? undefined : timeline.nowMs(),
        subscribed: false,
        lastMs: 0,
      }
      if (up) connections.push(connection)
      return connection
    },
    ping(connection, ping, subscribes) {
      timeline.in(wayMs(), () => {
        if (connection.deadSinceMs !== undefined) return
        if (subscribes) connection.subscribed = true
        send(connection, () => connection.told.pong(ping))
      })
    },
    replay(connection, from) {
      connection.subscribed = true
      stream.slice(from).forEach(({ announcement }, index) => {
        send(connection, () => connection.told.message(announcement, from + index))
      })
    },
    publish(announcement) {
      const index = stream.push({ announcement, atMs: timeline.nowMs() }) - 1
      for (const connection of connections) {
        if (!connection.subscribed) continue
        send(connection, () => connection.told.message(announcement, index))
      }
    },
    set(next) {
      up = next
      if (!up) connections.forEach(kill)
    },
    up: () => up,
    kill,
    end: () => stream.length,
    since(atMs) {
      const index = stream.findIndex((one) => one.atMs >= atMs)
      return index === -1 ? stream.length : index
    },
  }
}
