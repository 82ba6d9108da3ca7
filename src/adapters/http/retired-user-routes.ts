import type { FastifyInstance, FastifyReply } from 'fastify'
import type { RouteSchema } from './openapi.ts'
import { problemResponse } from './problem.ts'
import { idSchema, successorSchema } from './user-schemas.ts'

/** Users are written by Better Auth alone; callers are told by which of its endpoints. */
const retired = [
  {
    method: 'POST',
    url: '/api/v1/users',
    operationId: 'createUser',
    summary: 'Retired: Better Auth creates users',
    successor: '/api/auth/admin/create-user',
  },
  {
    method: 'PATCH',
    url: '/api/v1/users/:id',
    operationId: 'updateUser',
    summary: 'Retired: Better Auth sets the roles of users',
    successor: '/api/auth/admin/set-role',
  },
  {
    method: 'DELETE',
    url: '/api/v1/users/:id',
    operationId: 'deleteUser',
    summary: 'Retired: Better Auth removes users',
    successor: '/api/auth/admin/remove-user',
  },
] as const

/** Answers 410 to all that once wrote users, before any body is looked at and to anybody. */
export function addRetiredUserRoutes(scope: FastifyInstance): void {
  for (const { method, operationId, successor, summary, url } of retired) {
    const schema: RouteSchema = {
      operationId,
      summary,
      tags: ['Users'],
      deprecated: true,
      ...(url.includes(':id') && {
        params: {
          type: 'object',
          required: ['id'],
          properties: { id: idSchema('Id of the user.') },
        },
      }),
      response: {
        410: {
          ...problemResponse(
            'Gone; the answer names the endpoint to use instead.',
            successorSchema,
          ),
          headers: { location: { schema: { type: 'string' } } },
        },
      },
    }
    const answer = (reply: FastifyReply): FastifyReply => sendGone(reply, successor)
    scope.route({
      method,
      url,
      schema,
      // In time to say so whatever the body is; Node reads what is left of it and drops it.
      onRequest: async (_request, reply) => answer(reply),
      handler: (_request, reply) => answer(reply),
    })
  }
}

function sendGone(reply: FastifyReply, successor: string): FastifyReply {
  return reply.code(410).type('application/problem+json').header('location', successor).send({
    type: 'about:blank',
    title: 'Users are written through Better Auth',
    status: 410,
    location: successor,
    successor,
  })
}
