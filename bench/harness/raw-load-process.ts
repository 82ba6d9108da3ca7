import { startRawClient } from './raw-client.ts'

/** What a load process is told: where, and what to ask for (base64). */
export interface RawOrder {
  readonly port: number
  readonly messages: readonly string[]
  readonly connections: number
  readonly inFlight: number
}

/** Answers so far. */
export interface RawReport {
  readonly answered: number
  readonly wrong: number
}

process.once('message', (message) => {
  const { connections, inFlight, messages, port } = message as RawOrder
  const bytes = messages.map((text) => Buffer.from(text, 'base64'))
  const clients = Array.from({ length: connections }, () =>
    startRawClient(port, bytes, inFlight / connections),
  )
  const sum = (read: (client: (typeof clients)[number]) => number): number =>
    clients.reduce((total, client) => total + read(client), 0)
  // Asked for a report, it tells how many there were; a second message of any kind does that.
  process.on('message', () => {
    const report: RawReport = {
      answered: sum((client) => client.answered()),
      wrong: sum((client) => client.wrong()),
    }
    process.send?.(report)
  })
})
