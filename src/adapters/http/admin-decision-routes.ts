import type { FastifyInstance, FastifyReply } from 'fastify'
import type { AdminDecisions, DecisionSource } from '../../application/admin-decisions.ts'
import type { DecisionFilter } from '../../application/decision-filter.ts'
import { AppError } from '../../domain/errors.ts'
import { readDecisionCursor, writeDecisionCursor } from './admin-cursor.ts'
import { getDecision, listDecisions } from './admin-route-schemas.ts'
import { sendNotFound, sendProblem } from './problem.ts'

/** Time to look decisions up, in ms; a page reads a bounded part of the log. */
const timeoutMs = 5_000

interface ListQuery extends DecisionFilter {
  readonly source: DecisionSource
  readonly limit: number
  readonly cursor?: string
}

/** `GET /decisions` and `GET /decisions/:id`. */
export function addDecisionRoutes(admin: FastifyInstance, decisions: AdminDecisions): void {
  admin.get<{ Querystring: ListQuery }>(
    '/decisions',
    { schema: listDecisions },
    async (request, reply) => {
      const { cursor, limit, since, source, until, ...filter } = request.query
      if (!decisions.offers(source)) return sendNoSource(reply, source)
      const query = {
        source,
        limit,
        filter: {
          ...filter,
          ...(since !== undefined && { since: momentOf(since) }),
          ...(until !== undefined && { until: momentOf(until) }),
        },
        after: cursor === undefined ? null : readDecisionCursor(cursor),
      }
      const page = await decisions.page(query, AbortSignal.timeout(timeoutMs))
      return {
        decisions: page.records,
        nextCursor: page.next === null ? null : writeDecisionCursor(page.next),
      }
    },
  )
  admin.get<{ Params: { id: string }; Querystring: { source: DecisionSource } }>(
    '/decisions/:id',
    { schema: getDecision },
    async (request, reply) => {
      const { source } = request.query
      if (!decisions.offers(source)) return sendNoSource(reply, source)
      const signal = AbortSignal.timeout(timeoutMs)
      const found = await decisions.byId(request.params.id, source, signal)
      if (found === undefined) return sendNotFound(reply)
      return { decision: found.record, explanation: found.explanation }
    },
  )
}

/** A source that this process does not have; how it is configured decides that. */
export function sendNoSource(reply: FastifyReply, source: DecisionSource): FastifyReply {
  return sendProblem(reply, {
    type: 'about:blank',
    title: 'There is no such source of decisions',
    status: 409,
    detail:
      source === 'log'
        ? 'the decision log of this process is no file (TENANTGATE_DECISION_LOG)'
        : 'this process keeps no decisions (TENANTGATE_ADMIN_DECISIONS)',
  })
}

/** A moment as records have it. A form that a schema lets through may still name none: 23:59:60. */
export function momentOf(text: string): string {
  const ms = Date.parse(text)
  if (Number.isNaN(ms)) throw new AppError('INPUT_INVALID', 'since and until name moments')
  return new Date(ms).toISOString()
}
