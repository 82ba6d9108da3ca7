import type { Msg } from '@nats-io/transport-node'

/** Why a stream did not store a message. */
export interface Refusal {
  readonly why: string
  /** No further try can change it. */
  readonly isFinal: boolean
}

/** JetStream's error codes for a message, or its headers, larger than the stream takes. */
const tooLarge = [10_054, 10_097]
const noResponders = 503

/** Reads the answer to a message that was published into a stream; undefined: it is stored. */
export function refusalOf(answer: Msg): Refusal | undefined {
  if (answer.headers?.code === noResponders) {
    return { why: 'no stream takes the subject of the decision log', isFinal: false }
  }
  const acknowledgement = read(answer)
  const { error } = acknowledgement
  if (error !== undefined) {
    return {
      why: error.description ?? 'the stream refuses it',
      isFinal: tooLarge.includes(error.err_code ?? 0),
    }
  }
  if (typeof acknowledgement.seq === 'number') return undefined
  return { why: 'the answer is no acknowledgement', isFinal: false }
}

interface Acknowledgement {
  readonly seq?: unknown
  readonly error?: { readonly err_code?: number; readonly description?: string }
}

function read(answer: Msg): Acknowledgement {
  try {
    return answer.json<Acknowledgement | null>() ?? {}
  } catch {
    return {}
  }
}
