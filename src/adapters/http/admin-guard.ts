import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { AdminAccess, AdminAdmission } from '../../application/admin-access.ts'
import { authorizationOf } from './authentication.ts'
import { sendProblem, sendRefusal } from './problem.ts'

/** A request to the admin API as it ended: who, what, and how. */
export interface AdminRequest {
  /** Null: no valid token says who. */
  readonly subject: string | null
  readonly address: string
  readonly method: string
  /** The route; null: there is none of that path. */
  readonly route: string | null
  /** The decision that was asked for, where it was one. */
  readonly decision_id?: string
  readonly status: number
  /** `admitted`, `rate_limited`, or the reason of the refusal. */
  readonly access: string
  /** Whether the whole answer was sent. */
  readonly answered: boolean
  readonly duration_ms: number
}

/** What guarding rests on. */
export interface AdminGuardDeps {
  readonly access: AdminAccess
  /** Time for the admission, in ms. */
  readonly timeoutMs: number
  readonly monotonicNow: () => number
  /** Told of every request, admitted or not, once it has ended. */
  readonly onRequest: (request: AdminRequest) => void
}

/** Asks everybody who it is before anything else of a request is looked at. */
export function guardAdmin(scope: FastifyInstance, deps: AdminGuardDeps): void {
  scope.addHook('onRequest', async (request, reply) => {
    const begunMs = deps.monotonicNow()
    reply.header('cache-control', 'no-store')
    const admission = await deps.access({
      authorization: authorizationOf(request),
      signal: AbortSignal.timeout(deps.timeoutMs),
    })
    const ended = (): void =>
      deps.onRequest({
        ...described(request, admission),
        status: reply.statusCode,
        answered: reply.raw.writableFinished,
        duration_ms: Math.round(deps.monotonicNow() - begunMs),
      })
    if (reply.raw.closed) ended()
    else reply.raw.once('close', ended)
    if (!('admitted' in admission)) await refuse(reply, admission)
  })
}

async function refuse(
  reply: FastifyReply,
  admission: Exclude<AdminAdmission, { readonly admitted: true }>,
): Promise<void> {
  if ('refusal' in admission) await sendRefusal(reply, admission.refusal)
  else await sendTooMany(reply, admission.retryAfterS)
}

/** Refuses what comes too often; after so many seconds it is worth another try. */
export function sendTooMany(reply: FastifyReply, retryAfterS: number): FastifyReply {
  reply.header('retry-after', String(retryAfterS))
  return sendProblem(reply, { type: 'about:blank', title: 'Too many requests', status: 429 })
}

const decisionId = /^[0-9a-f-]{36}$/

/** Never what a client wrote freely: not the path, the query or the body. */
function described(request: FastifyRequest, admission: AdminAdmission) {
  const { id } = request.params as { readonly id?: string }
  return {
    subject: admission.subject,
    address: request.ip,
    method: request.method,
    route: request.is404 ? null : (request.routeOptions.url ?? null),
    ...(id !== undefined && decisionId.test(id) && { decision_id: id }),
    access:
      'admitted' in admission
        ? 'admitted'
        : 'refusal' in admission
          ? admission.refusal
          : 'rate_limited',
  }
}
