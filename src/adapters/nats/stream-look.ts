import type { JetStreamManager, StreamInfo } from '@nats-io/jetstream'
import type { Attempt } from './attempt.ts'
import { answerMs } from './session.ts'
import { unsuitable } from './stream-history.ts'
import { commonSubjects } from './subjects.ts'

/** A stream as its leader describes it. */
export interface StreamLook {
  readonly info: StreamInfo
  /** The subjects that we want and that it takes; a consumer may not ask for others everywhere. */
  readonly filters: readonly string[]
}

/**
 * Asks the leader of a stream what it holds. Rejects, in words for the operator, where there is no
 * JetStream, no such stream, none of our subjects in it, or it cannot tell of all changes.
 */
export async function lookAtStream(deps: {
  readonly attempt: Attempt
  readonly jsm: JetStreamManager
  readonly stream: string
  readonly subjects: readonly string[]
}): Promise<StreamLook> {
  const { attempt, jsm, stream, subjects } = deps
  const info = await attempt.within(
    jsm.streams.info(stream).catch((cause: unknown) => {
      throw new Error(whyNot(cause, stream), { cause })
    }),
    answerMs,
    `asking for the stream ${stream}`,
  )
  const why = unsuitable(info)
  if (why !== undefined) throw new Error(`the stream ${stream} cannot be used: ${why}`)
  const filters = commonSubjects(info.config.subjects, subjects)
  if (filters.length === 0) {
    throw new Error(`the stream ${stream} takes none of the subjects ${subjects.join(', ')}`)
  }
  return { info, filters }
}

/** Names as the library gives them to its errors, which it does not export. */
function whyNot(cause: unknown, stream: string): string {
  if (!(cause instanceof Error)) return 'unknown error'
  if (cause.name === 'JetStreamNotEnabled') return 'JetStream is not enabled'
  if (cause.name === 'StreamNotFoundError') return `there is no stream ${stream}`
  return `the stream ${stream} cannot be asked for: ${cause.message}`
}
