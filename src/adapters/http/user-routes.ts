import type { FastifyInstance } from 'fastify'
import type { Authenticate } from '../../application/authenticate.ts'
import type { Users } from '../../application/users.ts'
import { createAuthentication } from './authentication.ts'
import { readCursor, writeCursor } from './cursor.ts'
import { sendNotFound } from './problem.ts'
import { addRetiredUserRoutes } from './retired-user-routes.ts'
import { userJson } from './user-json.ts'
import { byEmail, byId, ofOrganization } from './user-route-schemas.ts'

/** What the users endpoints rest on. */
export interface UserRoutesDeps {
  readonly authenticate: Authenticate
  readonly users: Users
  /** Time for a whole request, authentication included, in ms. */
  readonly timeoutMs: number
}

/** The read-only users API (contract section 7). */
export function createUserRoutes({ authenticate, timeoutMs, users }: UserRoutesDeps) {
  const authentication = createAuthentication({ authenticate, timeoutMs })
  const { onRequest } = authentication
  return (scope: FastifyInstance): void => {
    scope.addHook('onRequest', async (_request, reply) => {
      reply.header('cache-control', 'no-store')
    })
    addRetiredUserRoutes(scope)

    scope.get<{ Params: { id: string } }>(
      '/api/v1/users/:id',
      { schema: byId, onRequest },
      async (request, reply) => {
        const { signal, subject } = authentication.of(request)
        const user = await users.byId(subject, request.params.id, signal)
        return user === undefined ? sendNotFound(reply) : userJson(user)
      },
    )
    scope.get<{ Params: { email: string } }>(
      '/api/v1/users/email/:email',
      { schema: byEmail, onRequest },
      async (request, reply) => {
        const { signal, subject } = authentication.of(request)
        const user = await users.byEmail(subject, request.params.email, signal)
        return user === undefined ? sendNotFound(reply) : userJson(user)
      },
    )
    scope.get<{
      Params: { organizationId: string }
      Querystring: { limit: number; cursor?: string }
    }>(
      '/api/v1/organizations/:organizationId/users',
      { schema: ofOrganization, onRequest },
      async (request, reply) => {
        const { signal, subject } = authentication.of(request)
        const { cursor, limit } = request.query
        const from = { limit, after: cursor === undefined ? null : readCursor(cursor) }
        const { organizationId } = request.params
        const page = await users.ofOrganization(subject, organizationId, from, signal)
        if (page === undefined) return sendNotFound(reply)
        return {
          users: page.users.map(userJson),
          nextCursor: page.next === null ? null : writeCursor(page.next),
        }
      },
    )
  }
}
