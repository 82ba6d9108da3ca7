import { jetstreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { isLocal } from '../../application/doctor-address.ts'
import type { Check, OpenPart, Part } from '../../application/doctor.ts'
import { error, ok, warn, type Finding } from '../../domain/finding.ts'
import { createAttempt } from './attempt.ts'
import { dial } from './dial.ts'
import {
  examineDecisionStream,
  streamOfSubject,
  type DecisionStreamUse,
} from './doctor-decisions.ts'
import { examineStream, streamCommand } from './doctor-stream.ts'
import { readServerAddress, type ServerAddress } from './server-address.ts'
import { feedSubjects, subjectPrefix } from './subjects.ts'

/** What NATS is examined for. */
export interface NatsDoctorDeps {
  readonly url: string
  /** The JetStream stream that events are read from; undefined: core NATS. */
  readonly stream: string | undefined
  readonly prefix: string | undefined
  readonly cacheTtlMs: number
  /** Where decisions are logged to a stream. */
  readonly decisions?: DecisionStreamUse | undefined
}

const answerMs = 4_000
/** A consumer's request and an event of any size that was seen fit in it many times. */
const leastPayload = 64 * 1024

/** What follows where nobody tells of changes. */
export const withoutNats: Finding = warn('nats.configured', 'NATS_URL is not set', {
  why: 'no event tells of a change, so no fact may be older than TENANTGATE_VERIFY_AFTER: that is when a revoked role ends, and PostgreSQL is asked that often',
  mend: 'NATS_URL=nats://…   # where Better Auth publishes member.role.changed and the like',
})

/** The part of the doctor that looks at NATS. It subscribes for a moment, and creates nothing. */
export function natsPart(deps: NatsDoctorDeps): Part {
  return {
    name: 'nats',
    place: placeOf(deps.url),
    open: () => open(deps),
    unreachable: {
      why: 'no event is heard: a revoked role ends after TENANTGATE_VERIFY_AFTER instead of at once, on every route',
      mend: 'nats --server "$NATS_URL" server check connection   # the same from this machine',
    },
  }
}

function placeOf(url: string): string {
  try {
    return `nats ${readServerAddress(url).servers.join(', ')}`
  } catch {
    return 'NATS_URL' // opening it tells what is wrong
  }
}

async function open(deps: NatsDoctorDeps): Promise<OpenPart> {
  const address = readServerAddress(deps.url)
  const subjects = feedSubjects(subjectPrefix(deps.prefix))
  let gone: string | undefined
  const attempt = createAttempt((why) => (gone = why))
  const nats = await dial(attempt, address).catch((cause: unknown) => {
    attempt.end('it was not reached')
    throw cause
  })
  return {
    findings: [
      ok('nats.reachable', `${placeOf(deps.url)} answers, NATS ${nats.info?.version ?? ''}`),
      ...examineAccess(address),
      payload(nats),
    ],
    checks: [...checksOf(deps, nats, subjects), ...decisionChecks(deps, nats)],
    answers: () => {
      if (gone !== undefined) return Promise.reject(new Error(gone))
      return nats.flush()
    },
    close: () => attempt.end('it was examined'),
  }
}

function checksOf(
  deps: NatsDoctorDeps,
  nats: NatsConnection,
  subjects: readonly string[],
): readonly Check[] {
  const { cacheTtlMs, stream } = deps
  const subscribe: Check = {
    name: 'nats.subscribe',
    doubt: 'error',
    run: async () => [await examineSubscription(nats, subjects)],
  }
  if (stream === undefined) {
    return [subscribe, { name: 'nats.stream', doubt: 'warn', run: () => [core(deps, subjects)] }]
  }
  return [
    subscribe,
    {
      name: 'nats.stream',
      doubt: 'error',
      run: async () => {
        if (nats.info?.jetstream !== true) return [withoutJetStream]
        const jsm = await jetstreamManager(nats, { checkAPI: false, timeout: answerMs })
        const clustered = nats.info.cluster !== undefined
        const info = await jsm.streams.info(stream).catch(absentOrThrow)
        return [
          ok('nats.jetstream', 'JetStream is on'),
          ...examineStream(info, { stream, subjects, cacheTtlMs, clustered }),
        ]
      },
    },
  ]
}

/** The log needs no right to ask about streams: where the doctor may not either, that is no fault. */
function decisionChecks({ decisions }: NatsDoctorDeps, nats: NatsConnection): readonly Check[] {
  if (decisions === undefined) return []
  const run = async (): Promise<readonly Finding[]> => {
    if (nats.info?.jetstream !== true) return examineDecisionStream(undefined, decisions, 0)
    const jsm = await jetstreamManager(nats, { checkAPI: false, timeout: answerMs })
    const info = await streamOfSubject(jsm, decisions.subject)
    return examineDecisionStream(info, decisions, nats.info.max_payload)
  }
  return [{ name: 'nats.decisions', doubt: 'warn', run }]
}

/** The error code of JetStream for a stream that is not there. */
const streamNotFound = 10_059

function absentOrThrow(cause: unknown): undefined {
  if (cause instanceof Error && 'code' in cause && cause.code === streamNotFound) return undefined
  throw cause
}

const withoutJetStream: Finding = error('nats.jetstream', 'JetStream is not enabled there', {
  why: 'TENANTGATE_NATS_STREAM names a stream, which nothing but JetStream holds: no event is heard',
  mend: 'nats-server --jetstream --store_dir /var/lib/nats   # and for accounts: jetstream: enabled',
})

/** Whether the events can be subscribed to: a subject that is refused hears nothing. */
async function examineSubscription(
  nats: NatsConnection,
  subjects: readonly string[],
): Promise<Finding> {
  const refused: string[] = []
  const subscriptions = subjects.map((subject) =>
    nats.subscribe(subject, {
      callback: (refusal) => {
        if (refusal !== null) refused.push(subject)
      },
    }),
  )
  await nats.flush() // the server refuses before it answers this
  for (const subscription of subscriptions) subscription.unsubscribe()
  const name = 'nats.subscribe'
  if (refused.length === 0) return ok(name, subjects.join(', '))
  return error(name, `the server refuses ${refused.join(', ')}`, {
    why: 'events of these subjects are never heard: a revoked role ends after TENANTGATE_VERIFY_AFTER instead of at once',
    mend: `permissions: { subscribe: [${[...subjects, '_INBOX.>'].map((subject) => `"${subject}"`).join(', ')}] }   # for this user, in nats-server.conf`,
  })
}

/** Without a stream what is published while nobody listens is gone. */
function core({ cacheTtlMs }: NatsDoctorDeps, subjects: readonly string[]): Finding {
  return warn('nats.stream', 'TENANTGATE_NATS_STREAM is not set: events are read from core NATS', {
    why: "what is published during a break or a start is never heard: then every pair's next request asks PostgreSQL, and the shared tier serves only what is read afterwards",
    mend: `${streamCommand('TENANTGATE', subjects, cacheTtlMs)}\nTENANTGATE_NATS_STREAM=TENANTGATE`,
  })
}

function payload({ info }: NatsConnection): Finding {
  const name = 'nats.payload'
  const most = info?.max_payload ?? 0
  if (most >= leastPayload) return ok(name, `messages of up to ${most} bytes`)
  return warn(name, `messages of ${most} bytes at most`, {
    why: 'an event that is larger cannot be published, and nobody hears of the change',
    mend: 'max_payload: 1MB   # in nats-server.conf',
  })
}

/** What the address itself tells of who can publish and listen there. */
export function examineAccess(address: ServerAddress): readonly Finding[] {
  const { servers, tls, user, token } = address
  if (servers.every((server) => isLocal(`nats://${server}`))) {
    return [
      ok('nats.encryption', 'on this machine'),
      ok('nats.credentials', 'not needed on this machine'),
    ]
  }
  return [
    tls != null
      ? ok('nats.encryption', 'the connection is encrypted')
      : warn('nats.encryption', 'tls:// is not asked for, and the connection crosses a network', {
          why: 'who is on the way can keep events back, and reads the password',
          mend: 'NATS_URL=tls://…   # with tls {} in nats-server.conf',
        }),
    user !== undefined || token !== undefined
      ? ok('nats.credentials', 'credentials are used')
      : warn('nats.credentials', 'NATS_URL holds no credentials', {
          why: 'whoever reaches NATS can publish events: each costs a read of PostgreSQL, and grants nothing',
          mend: 'NATS_URL=tls://tenantgate:A-LONG-PASSWORD@…   # with a user who may only subscribe',
        }),
  ]
}
