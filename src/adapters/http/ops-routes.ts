import type { FastifyInstance } from 'fastify'
import type { ReadinessReport } from '../../application/readiness.ts'
import type { RouteSchema } from './openapi.ts'

/** What the operations endpoints tell. */
export interface OpsRoutesDeps {
  readonly readiness: () => ReadinessReport | Promise<ReadinessReport>
  readonly metrics: () => Promise<{ readonly contentType: string; readonly text: string }>
}

/** `/livez`, `/readyz` and `/metrics`, without authentication. */
export function createOpsRoutes({ metrics, readiness }: OpsRoutesDeps) {
  return (scope: FastifyInstance): void => {
    scope.get('/livez', { schema: livez }, () => ({ status: 'alive' }))
    scope.get('/readyz', { schema: readyz }, async (_request, reply) => {
      const report = await readiness()
      const ready = report.status === 'ready' || report.status === 'degraded'
      return reply.code(ready ? 200 : 503).send(report)
    })
    scope.get('/metrics', { schema: exposition }, async (_request, reply) => {
      const { contentType, text } = await metrics()
      return reply.type(contentType).send(text)
    })
  }
}

const readinessSchema = {
  title: 'Readiness',
  type: 'object',
  required: ['status', 'components'],
  properties: {
    status: { type: 'string', enum: ['ready', 'degraded', 'not_ready', 'draining'] },
    components: {
      type: 'object',
      additionalProperties: {
        type: 'object',
        required: ['status'],
        properties: {
          status: { type: 'string', enum: ['ok', 'degraded', 'down'] },
          detail: { type: 'string' },
        },
      },
    },
  },
} as const

const json = (description: string, schema: object) => ({
  description,
  content: { 'application/json': { schema } },
})

const livez: RouteSchema = {
  operationId: 'livez',
  summary: 'Whether the process lives',
  tags: ['Operations'],
  response: {
    200: json('It does.', {
      type: 'object',
      required: ['status'],
      properties: { status: { type: 'string', enum: ['alive'] } },
    }),
  },
}

const readyz: RouteSchema = {
  operationId: 'readyz',
  summary: 'Whether requests should be sent here, by component',
  tags: ['Operations'],
  response: {
    200: json('Ready, though a component may be degraded.', readinessSchema),
    503: json('Not ready yet, or draining.', readinessSchema),
  },
}

const exposition: RouteSchema = {
  operationId: 'metrics',
  summary: 'Metrics in the Prometheus text format',
  tags: ['Operations'],
  response: {
    200: {
      description: 'The exposition.',
      content: { 'text/plain': { schema: { type: 'string' } } },
    },
  },
}
