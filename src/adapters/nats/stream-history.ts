import { RetentionPolicy, type StoredMsg, type StreamInfo } from '@nats-io/jetstream'

/** A message of a stream up to which all was handed over. */
export interface Position {
  /** When the stream was made: another of the same name starts its numbers anew. */
  readonly created: string
  readonly sequence: number
  /** When the message was stored; Unix time in ms. */
  readonly storedAtMs: number
}

/** The position at the end of a stream. */
export function endOf({ created, state }: StreamInfo): Position {
  return { created, sequence: state.last_seq, storedAtMs: Date.parse(state.last_ts) }
}

/** Messages that are missing between the first and the last: deleted by hand, purged, expired. */
export function holesOf({ state }: StreamInfo): number {
  return state.messages === 0 ? 0 : state.last_seq - state.first_seq + 1 - state.messages
}

/** Why a stream cannot tell of all that was published; undefined if it can. */
export function unsuitable({ config }: StreamInfo): string | undefined {
  if (config.mirror !== undefined || (config.sources ?? []).length > 0) {
    return 'it copies other streams, and how far it lags cannot be told: name the original'
  }
  if (config.subject_transform !== undefined) return 'it changes subjects'
  if (config.max_msgs_per_subject > 0) {
    return 'with max_msgs_per_subject it may drop a message before it is read'
  }
  if (config.retention !== RetentionPolicy.Limits) {
    return `with ${config.retention} retention others decide when a message is gone: use limits`
  }
  return undefined
}

/**
 * From when on a stream holds all that was published, Unix time in ms: at best `fromMs`, at worst
 * now. Times that are the server's count later by the margin, as its clock may be behind ours.
 */
export function vouchedSince(
  info: StreamInfo,
  { nowMs, fromMs, marginMs }: Readonly<Record<'nowMs' | 'fromMs' | 'marginMs', number>>,
): number {
  if (holesOf(info) > 0) return nowMs // a hole has no time
  const { config, state } = info
  const times = [fromMs, Date.parse(info.created) + marginMs]
  if (config.max_age > 0) times.push(nowMs - config.max_age / 1e6 + marginMs)
  if (state.first_seq > 1) {
    // What was removed is older than the first that is left, or no younger than the last there was.
    times.push(Date.parse(state.messages > 0 ? state.first_ts : state.last_ts) + marginMs)
  }
  const since = Math.max(...times)
  return since < nowMs ? since : nowMs // also where a time could not be read
}

/**
 * Whether the stream goes on from a position without a gap. That the numbers fit is not enough: a
 * stream that lost its end in a crash, or all of itself as one in memory does at a restart, hands the
 * same numbers out again. So the message itself must still be there.
 */
export async function continues(
  { created, sequence, storedAtMs }: Position,
  info: StreamInfo,
  read: (sequence: number) => Promise<StoredMsg | null>,
): Promise<boolean> {
  const { state } = info
  if (info.created !== created || holesOf(info) > 0) return false
  if (state.first_seq > sequence + 1 || state.last_seq < sequence) return false
  if (sequence === 0) return true // nothing was ever in it: all there is comes now
  if (state.last_seq === sequence) return Date.parse(state.last_ts) === storedAtMs
  const message = await read(sequence)
  return message?.time.getTime() === storedAtMs
}
