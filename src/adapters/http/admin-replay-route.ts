import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply } from 'fastify'
import type { DecisionSource } from '../../application/admin-decisions.ts'
import type { AdminReplay, ReplayRequest } from '../../application/admin-replay.ts'
import type { ReplayMessage } from '../../application/admin-job.ts'
import { AppError } from '../../domain/errors.ts'
import { momentOf, sendNoSource } from './admin-decision-routes.ts'
import { sendPolicyFaults } from './admin-explain-route.ts'
import { sendTooMany } from './admin-guard.ts'
import { replayRequest } from './admin-replay-schemas.ts'
import { sendProblem } from './problem.ts'

interface ReplayBody {
  readonly policy?: string
  readonly source: DecisionSource
  readonly since?: string
  readonly until?: string
  readonly route?: string
  readonly organization?: string
}

const maxBodyBytes = 1024 * 1024
/** Time for a whole replay, in ms. */
const timeoutMs = 60_000
/** When another replay may have ended, in s. */
const retryAfterS = 5
const streamType = 'application/x-ndjson'

/** `POST /replay` */
export function addReplayRoute(admin: FastifyInstance, replay: AdminReplay): void {
  admin.post<{ Body: ReplayBody }>(
    '/replay',
    { schema: replayRequest, bodyLimit: maxBodyBytes },
    async (request, reply) => {
      const { source } = request.body
      if (!replay.offers(source)) return sendNoSource(reply, source)
      const late = AbortSignal.timeout(timeoutMs)
      const signal = AbortSignal.any([late, goneSignal(reply)])
      const running = replay.run(requestOf(request.body), signal)
      if (running === undefined) return sendTooMany(reply, retryAfterS)
      const begun = await running.begun
      if (begun !== undefined) return sendPolicyFaults(reply, begun.faults)
      const streams = request.headers.accept?.includes(streamType) === true
      return streams
        ? reply.type(streamType).send(Readable.from(linesOf(running.messages)))
        : reportOf(running.messages).catch((cause: unknown) => {
            if (!late.aborted) throw cause
            return sendTooLong(reply)
          })
    },
  )
}

function sendTooLong(reply: FastifyReply): FastifyReply {
  return sendProblem(reply, {
    type: 'about:blank',
    title: 'The replay took too long',
    status: 503,
    detail: 'ask for less of the log, by since and until, or use `tenantgate replay`',
  })
}

/** Aborts when the client goes away before it has its answer. */
function goneSignal(reply: FastifyReply): AbortSignal {
  const gone = new AbortController()
  reply.raw.once('close', () => gone.abort())
  return gone.signal
}

function requestOf(body: ReplayBody): ReplayRequest {
  const { organization, policy, route, since, source, until } = body
  return {
    source,
    policy: policy ?? null,
    filter: {
      ...(since !== undefined && { since: momentOf(since) }),
      ...(until !== undefined && { until: momentOf(until) }),
      ...(route !== undefined && { routes: [route] }),
      ...(organization !== undefined && { organizations: [organization] }),
    },
  }
}

async function reportOf(messages: AsyncIterable<ReplayMessage>): Promise<object> {
  for await (const message of messages) if (message.type === 'report') return message.report
  throw new AppError('SERVER_UNAVAILABLE', 'the replay ended without a report')
}

/** What cannot be answered any more with a status is the last line. */
async function* linesOf(messages: AsyncIterable<ReplayMessage>): AsyncGenerator<string> {
  try {
    for await (const message of messages) yield `${JSON.stringify(message)}\n`
  } catch {
    yield `${JSON.stringify({ type: 'failed', title: 'The replay did not come to its end' })}\n`
  }
}
