import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { AppError } from '../../domain/errors.ts'
import { statusOf, titleOf, type DenyReason } from '../../domain/decision.ts'

/** An error as RFC 9457 has it; what a kind of problem adds are members of its own. */
export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail?: string
}

/** JSON Schema of a problem document. */
export const problemSchema = {
  title: 'Problem',
  description: 'What went wrong (RFC 9457).',
  type: 'object',
  required: ['type', 'title', 'status'],
  properties: {
    type: {
      type: 'string',
      description: '`urn:tenantgate:REASON` for a refusal, else `about:blank`.',
    },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
  },
} as const

const mediaType = 'application/problem+json'

/** A response of a route's schema that is a problem document. */
export const problemResponse = (description: string, schema: object = problemSchema) => ({
  description,
  content: { [mediaType]: { schema } },
})

/** Answers with a problem document. */
export function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  return reply.code(problem.status).type(mediaType).send(problem)
}

/** Refuses for one of the public reasons, as a denied check does (contract section 4). */
export function sendRefusal(reply: FastifyReply, reason: DenyReason): FastifyReply {
  const status = statusOf(reason)
  if (status === 401) reply.header('www-authenticate', 'Bearer') // RFC 6750 section 3
  if (status === 503) reply.header('retry-after', '1')
  return sendProblem(reply, { type: `urn:tenantgate:${reason}`, title: titleOf(reason), status })
}

/** The one answer to everything that is not there, or not for who asks. */
export function sendNotFound(reply: FastifyReply): FastifyReply {
  return sendProblem(reply, { type: 'about:blank', title: 'There is nothing here', status: 404 })
}

/** A request that cannot be understood; `detail` says what of it. */
export function sendBadRequest(reply: FastifyReply, status = 400, detail?: string): FastifyReply {
  const title = 'The request cannot be read'
  return sendProblem(reply, {
    type: 'about:blank',
    title,
    status,
    ...(detail !== undefined && { detail }),
  })
}

/** Turns what a handler threw into an answer; of our own faults a client learns nothing. */
export function createErrorHandler(onFault: (cause: unknown) => void) {
  return (error: FastifyError, _request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    // A path that names what can have no name is a path to nothing.
    if (error.validationContext === 'params') return sendNotFound(reply)
    if (error.validation !== undefined) return sendBadRequest(reply, 400, error.message)
    if (error instanceof AppError && error.code === 'INPUT_INVALID') {
      return sendBadRequest(reply, 400, error.message)
    }
    const status = error.statusCode ?? 500
    if (status < 500) return sendBadRequest(reply, status)
    onFault(error)
    if (isOutage(error)) return sendRefusal(reply, 'unavailable')
    return sendProblem(reply, { type: 'about:blank', title: 'Internal error', status })
  }
}

function isOutage(error: unknown): boolean {
  if (!(error instanceof AppError)) return false
  return (
    error.code === 'DATABASE_UNAVAILABLE' ||
    error.code === 'FACTS_UNAVAILABLE' ||
    error.code === 'KEYS_UNAVAILABLE' ||
    error.code === 'VERIFICATION_UNAVAILABLE' ||
    error.code === 'SERVER_UNAVAILABLE'
  )
}
