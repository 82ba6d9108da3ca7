import type { StreamInfo } from '@nats-io/jetstream'
import { knownSubjects } from '../../domain/change-event.ts'
import { error, listed, ok, warn, type Finding } from '../../domain/finding.ts'
import { intersection } from './subjects.ts'

/** What a stream is needed for. */
export interface StreamUse {
  readonly stream: string
  /** Patterns that are read, prefix included. */
  readonly subjects: readonly string[]
  readonly cacheTtlMs: number
  /** Whether the server has others beside it that could keep a copy. */
  readonly clustered: boolean
}

/** How far two machines' clocks may be apart (contract section 6), in ms. */
const marginMs = 5_000
const nanosPerMs = 1e6
/** Limits below these may push events out in a busy minute. */
const manyMessages = 100_000
const manyBytes = 64 * 1024 * 1024

/** The command that makes a stream as it should be; for its owner, tenantgate makes none. */
export function streamCommand(
  stream: string,
  subjects: readonly string[],
  cacheTtlMs: number,
): string {
  return [
    `nats stream add ${stream} --subjects "${subjects.join(',')}"`,
    '--storage file --retention limits --discard old --replicas 1',
    `--max-age ${neededSeconds(cacheTtlMs) * 2}s --max-msgs=-1 --max-msgs-per-subject=-1 --max-bytes=-1 --defaults`,
  ].join(' ')
}

function neededSeconds(cacheTtlMs: number): number {
  return Math.ceil((cacheTtlMs + marginMs) / 1_000)
}

/** Whether a stream tells of all changes, for long enough. Undefined: there is no such stream. */
export function examineStream(info: StreamInfo | undefined, use: StreamUse): readonly Finding[] {
  if (info === undefined) {
    return [
      error('nats.stream', `there is no stream ${use.stream}`, {
        why: 'no event is heard: a revoked role ends after TENANTGATE_VERIFY_AFTER instead of at once',
        mend: streamCommand(use.stream, use.subjects, use.cacheTtlMs),
      }),
    ]
  }
  const { messages } = info.state
  return [
    ok('nats.stream', `${use.stream}, ${messages} messages`),
    subjects(info, use),
    retention(info, use),
    age(info, use),
    limits(info, use),
    copies(info, use),
  ]
}

function edit(stream: string, options: string): string {
  return `nats stream edit ${stream} ${options}`
}

function subjects({ config }: StreamInfo, use: StreamUse): Finding {
  const name = 'nats.stream.subjects'
  const copied = config.mirror !== undefined || (config.sources ?? []).length > 0
  if (copied || config.subject_transform !== undefined) {
    return error(name, `${use.stream} ${copied ? 'copies other streams' : 'changes subjects'}`, {
      why: 'how far a copy lags cannot be told, and changed subjects are not heard: the watch never holds',
      mend: 'TENANTGATE_NATS_STREAM=…   # name the stream that events are published to',
    })
  }
  const held = config.subjects
  const missing = use.subjects.filter((subject) => !held.some((one) => covers(one, subject)))
  if (missing.length === 0) return ok(name, held.join(', '))
  const unheard = wantedEvents(use).filter((event) => !held.some((one) => covers(one, event)))
  const remedy = {
    why: 'with a stream nothing else is read: events of these subjects are never heard, and what they tell of ends after TENANTGATE_VERIFY_AFTER',
    mend: edit(use.stream, `--subjects "${[...held, ...missing].join(',')}"`),
  }
  return unheard.length > 0
    ? error(name, `the stream does not hold ${listed(unheard)}`, remedy)
    : warn(
        name,
        `the stream holds the events of today, but not all of ${missing.join(', ')}`,
        remedy,
      )
}

/** The events of the contract, with the prefix. */
function wantedEvents({ subjects }: StreamUse): readonly string[] {
  return knownSubjects.flatMap((event) => {
    const [family = ''] = event.split('.')
    return subjects
      .filter((pattern) => pattern.endsWith(`${family}.>`))
      .map((pattern) => pattern.slice(0, -`${family}.>`.length) + event)
  })
}

/** Whether every subject of the second pattern is one of the first. */
function covers(one: string, other: string): boolean {
  return intersection(one, other) === other
}

function retention({ config }: StreamInfo, { stream, subjects, cacheTtlMs }: StreamUse): Finding {
  const name = 'nats.stream.retention'
  if (config.retention === 'limits') return ok(name, 'limits')
  return error(name, `retention is ${config.retention}`, {
    why: 'such a stream drops what others have taken, or what nobody listened to: several processes cannot all read all of it',
    mend: `# retention cannot be edited into limits on every release: make another stream\n${streamCommand(`${stream}_EVENTS`, subjects, cacheTtlMs)}`,
  })
}

function age({ config }: StreamInfo, { stream, cacheTtlMs }: StreamUse): Finding {
  const name = 'nats.stream.max_age'
  const ms = config.max_age / nanosPerMs
  const needed = neededSeconds(cacheTtlMs)
  if (ms === 0) return ok(name, 'messages do not expire')
  if (ms >= needed * 1_000) return ok(name, `messages stay ${ms / 1_000} s, ${needed} s are needed`)
  return warn(name, `messages stay ${ms / 1_000} s, ${needed} s are needed`, {
    why: 'a process that starts must see all changes of the last TENANTGATE_CACHE_TTL and 5 s before it adopts what Redis holds: what the stream no longer has costs reads of PostgreSQL',
    mend: edit(stream, `--max-age ${needed * 2}s`),
  })
}

function limits({ config }: StreamInfo, { stream }: StreamUse): Finding {
  const name = 'nats.stream.limits'
  if (config.max_msgs_per_subject > 0) {
    return error(name, `it keeps ${config.max_msgs_per_subject} messages a subject`, {
      why: 'all role changes share one subject: an event that is pushed out before it is read is lost without a trace, so the stream is not used',
      mend: edit(stream, '--max-msgs-per-subject=-1'),
    })
  }
  const { max_msgs: messages, max_bytes: bytes, max_msg_size: size } = config
  const told: string[] = []
  if (messages > 0 && messages < manyMessages) told.push(`${messages} messages`)
  if (bytes > 0 && bytes < manyBytes) told.push(`${bytes} bytes`)
  if (size > 0 && size < 4_096) told.push(`${size} bytes a message`)
  if (told.length === 0) return ok(name, 'no limit that events would reach')
  const refuses = config.discard === 'new' || size > 0
  return warn(name, `it holds at most ${told.join(', ')}, discard ${config.discard}`, {
    why: refuses
      ? 'a full stream refuses what is published: nobody hears of those changes'
      : 'a busy minute pushes events out before they are read: the watch then begins anew, and PostgreSQL is asked again',
    mend: edit(stream, '--max-msgs=-1 --max-bytes=-1 --max-msg-size=-1'),
  })
}

function copies({ config }: StreamInfo, { stream, clustered }: StreamUse): Finding {
  const name = 'nats.stream.replicas'
  if (config.num_replicas > 1) return ok(name, `${config.num_replicas} copies`)
  const memory = config.storage === 'memory'
  if (!clustered && !memory) return ok(name, 'one copy, on the only server')
  return warn(name, memory ? 'it is kept in memory' : 'one copy, in a cluster of several servers', {
    why: 'while its server restarts no event is heard, and what only memory held is gone: the watch begins anew',
    mend: memory
      ? '# storage cannot be edited: delete the stream and add it with --storage file'
      : edit(stream, '--replicas 3'),
  })
}
