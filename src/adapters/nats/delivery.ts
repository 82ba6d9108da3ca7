import type { Msg } from '@nats-io/transport-node'

/** What came on the inbox of a push consumer (ADR-15 and ADR-17 of NATS). */
export type Delivery =
  | {
      readonly kind: 'message'
      /** Counts what the consumer sent, from 1 without a gap. */
      readonly consumerSequence: number
      readonly streamSequence: number
      /** When the stream stored it, by the server's clock; Unix time in ms. */
      readonly storedAtMs: number
    }
  | {
      readonly kind: 'heartbeat'
      /** What the consumer sent last. */
      readonly consumerSequence: number
      /** Up to where it has looked through the stream. */
      readonly streamSequence: number
      /** Set while the consumer waits for an answer to a flow-control request. */
      readonly stalled: string | undefined
    }
  | { readonly kind: 'flow-control' }
  | { readonly kind: 'other'; readonly what: string }

/** Reads what a push consumer sent. */
export function readDelivery(message: Msg): Delivery {
  const { headers } = message
  if (headers === undefined || headers.code === 0) return readMessage(message.reply ?? '')
  if (headers.code !== 100) return { kind: 'other', what: `${headers.code} ${headers.description}` }
  if (headers.description.toLowerCase().startsWith('flowcontrol')) return { kind: 'flow-control' }
  const consumerSequence = toCount(headers.get('Nats-Last-Consumer'))
  const streamSequence = toCount(headers.get('Nats-Last-Stream'))
  if (consumerSequence === undefined || streamSequence === undefined) {
    return { kind: 'other', what: 'a heartbeat without sequences' }
  }
  const stalled = headers.get('Nats-Consumer-Stalled')
  return {
    kind: 'heartbeat',
    consumerSequence,
    streamSequence,
    stalled: stalled === '' ? undefined : stalled,
  }
}

/**
 * The sequences are in the reply subject:
 * `$JS.ACK.<stream>.<consumer>.<delivered>.<stream sequence>.<consumer sequence>.<ns>.<pending>`,
 * with `<domain>.<account>` after `ACK` and more at the end in its newer form.
 */
function readMessage(reply: string): Delivery {
  const tokens = reply.split('.')
  const at = tokens.length === 9 ? 5 : 7
  const streamSequence = toCount(tokens[at])
  const consumerSequence = toCount(tokens[at + 1])
  const nanoseconds = tokens[at + 2] ?? ''
  const known = tokens[0] === '$JS' && tokens[1] === 'ACK' && /^\d{7,19}$/.test(nanoseconds)
  if (!known || streamSequence === undefined || consumerSequence === undefined) {
    return { kind: 'other', what: 'a message that is not from the stream' }
  }
  // Nanoseconds since 1970 are beyond what a number holds exactly.
  const storedAtMs = Number(nanoseconds.slice(0, -6))
  return { kind: 'message', consumerSequence, streamSequence, storedAtMs }
}

function toCount(text: string | undefined): number | undefined {
  const count = text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined
  return count
}
