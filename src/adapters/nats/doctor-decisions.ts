import type { JetStreamManager, StreamInfo } from '@nats-io/jetstream'
import { error, ok, warn, type Finding } from '../../domain/finding.ts'

/** What the stream of the decision log is needed for. */
export interface DecisionStreamUse {
  /** The subject that lines are published to. */
  readonly subject: string
  /** Whether what cannot be logged is denied. */
  readonly required: boolean
  /** What the line of the policy in force has, in bytes; null: no policy loads. */
  readonly policyBytes: number | null
}

const nanosPerSecond = 1e9
/** An outage that the documented stream outlasts without storing a line twice, in s. */
const neededDuplicateS = 600
/** The policy is written again every 10 minutes, and a minute is for its way, in s. */
const neededAgeS = 660
/** A line of usual ids with a path of 8 kB, and some more, in bytes. */
const neededLineBytes = 16_384
/** What the headers of a message take of `max_payload`, in bytes. */
const headerBytes = 256

/** The stream that takes a subject; undefined: there is none. */
export async function streamOfSubject(
  { streams }: Pick<JetStreamManager, 'streams'>,
  subject: string,
): Promise<StreamInfo | undefined> {
  let name: string
  try {
    name = await streams.find(subject)
  } catch (cause) {
    if (cause instanceof Error && /no stream matches/i.test(cause.message)) return undefined
    throw cause
  }
  return streams.info(name)
}

/** Whether a stream keeps the lines of the decision log, each once, so that they replay. */
export function examineDecisionStream(
  info: StreamInfo | undefined,
  use: DecisionStreamUse,
  maxPayload: number,
): readonly Finding[] {
  if (info === undefined) {
    const effect = use.required ? 'every decision is denied' : 'decisions are lost and counted'
    return [
      error('nats.decisions', `no stream takes ${use.subject}`, {
        why: `TENANTGATE_DECISION_LOG names that subject: ${effect} until there is one`,
        mend: `nats stream add DECISIONS --subjects ${use.subject} --storage file --retention limits --max-age 90d --dupe-window 10m --discard old --defaults`,
      }),
    ]
  }
  const { config, state } = info
  return [
    ok('nats.decisions', `${config.name}, ${state.messages} messages`),
    acknowledged(config),
    retention(config),
    age(config),
    duplicates(config),
    limits(config),
    size(config, use, maxPayload),
  ]
}

type StreamConfig = StreamInfo['config']

const edit = ({ name }: StreamConfig, options: string): string =>
  `nats stream edit ${name} ${options}`

function acknowledged(config: StreamConfig): Finding {
  const name = 'nats.decisions.acknowledged'
  const { no_ack, sealed } = config
  if (no_ack !== true && !sealed) return ok(name, 'it takes lines, and says so')
  return error(name, sealed ? 'it is sealed' : 'it acknowledges nothing (no_ack)', {
    why: 'a line counts as logged once the stream has acknowledged it: all wait, and are dropped when there is no more room',
    mend: sealed
      ? '# a sealed stream cannot be opened: make another one for the subject'
      : edit(config, '--ack'),
  })
}

function retention(config: StreamConfig): Finding {
  const name = 'nats.decisions.retention'
  if (config.retention === 'limits') return ok(name, 'limits')
  return error(name, `retention is ${config.retention}`, {
    why: 'such a stream drops what somebody has taken, or what nobody listened to: nothing is left to replay',
    mend: '# retention cannot be edited into limits on every release: make another stream with --retention limits',
  })
}

function age(config: StreamConfig): Finding {
  const name = 'nats.decisions.max_age'
  const seconds = config.max_age / nanosPerSecond
  if (seconds === 0) return ok(name, 'lines do not expire')
  if (seconds >= neededAgeS) return ok(name, `lines stay ${seconds} s`)
  return warn(name, `lines stay ${seconds} s, the policy's are written every 600 s`, {
    why: 'the line of a policy is gone before it is written again: decisions without it are not replayed',
    mend: edit(config, '--max-age 90d'),
  })
}

function duplicates(config: StreamConfig): Finding {
  const name = 'nats.decisions.duplicates'
  const seconds = config.duplicate_window / nanosPerSecond
  if (seconds >= neededDuplicateS) return ok(name, `lines are known again for ${seconds} s`)
  return warn(name, `lines are known again for ${seconds} s`, {
    why: 'what is sent again after an outage that lasted longer is stored twice, and counted twice by a replay',
    mend: edit(config, `--dupe-window ${neededDuplicateS}s`),
  })
}

function limits(config: StreamConfig): Finding {
  const name = 'nats.decisions.limits'
  const { max_bytes: bytes, max_msgs: messages, max_msgs_per_subject: perSubject } = config
  const told = [
    ...(messages > 0 ? [`${messages} messages`] : []),
    ...(perSubject > 0 ? [`${perSubject} messages a subject`] : []),
    ...(bytes > 0 ? [`${bytes} bytes`] : []),
  ].join(', ')
  if (config.storage === 'memory') {
    return warn(name, 'it is kept in memory', {
      why: 'a restart of its server forgets every decision',
      mend: '# storage cannot be edited: make another stream with --storage file',
    })
  }
  if (told === '' || config.discard !== 'new') {
    return ok(name, told === '' ? 'none' : `${told}: then the oldest go`)
  }
  return warn(name, `${told}: then it refuses what is new`, {
    why: 'lines wait for room, 16 MiB of them; then they are dropped, or decisions are denied where the log is required',
    mend: edit(config, '--discard old'),
  })
}

function size(
  config: StreamConfig,
  { policyBytes }: DecisionStreamUse,
  maxPayload: number,
): Finding {
  const name = 'nats.decisions.size'
  const needed = Math.max(neededLineBytes, policyBytes ?? 0) + headerBytes
  const limit = config.max_msg_size > 0 ? config.max_msg_size : Infinity
  const taken = Math.min(limit, maxPayload)
  if (taken >= needed) return ok(name, `lines of up to ${taken} bytes`)
  const isPolicy = (policyBytes ?? 0) + headerBytes > taken
  return warn(name, `lines of ${taken} bytes at most, ${needed} are needed`, {
    why: isPolicy
      ? 'the line of the policy is larger: decisions replay with --recorded-policy alone'
      : 'one path may have 8 kB: decisions on such are not logged',
    mend:
      limit < maxPayload
        ? edit(config, '--max-msg-size=-1')
        : 'max_payload: 8MB   # nats-server.conf',
  })
}
