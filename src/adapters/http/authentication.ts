import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Authenticate, AuthenticatedSubject } from '../../application/authenticate.ts'
import { sendRefusal } from './problem.ts'

/** A request whose sender is known. */
export interface AuthenticatedRequest {
  readonly subject: AuthenticatedSubject
  /** Aborts when the time for the whole request is over. */
  readonly signal: AbortSignal
}

/** Asks for a bearer token on the routes that have its hook. */
export interface Authentication {
  /** Before anything else of the request is looked at: who is nobody learns nothing of it. */
  readonly onRequest: (request: FastifyRequest, reply: FastifyReply) => Promise<void>
  /** Who sent a request; throws on a route without the hook. */
  readonly of: (request: FastifyRequest) => AuthenticatedRequest
}

/** Authenticates requests; each has `timeoutMs` from then to its answer. */
export function createAuthentication(deps: {
  readonly authenticate: Authenticate
  readonly timeoutMs: number
}): Authentication {
  const authenticated = new WeakMap<FastifyRequest, AuthenticatedRequest>()
  return {
    async onRequest(request, reply) {
      const signal = AbortSignal.timeout(deps.timeoutMs)
      const authorization = authorizationOf(request)
      const subject = await deps.authenticate({ authorization, signal })
      if ('refusal' in subject) {
        await sendRefusal(reply, subject.refusal)
        return
      }
      authenticated.set(request, { subject, signal })
    },
    of(request) {
      const found = authenticated.get(request)
      if (found === undefined) throw new Error('a route without authentication asks who is there')
      return found
    },
  }
}

/** The credential. Node keeps the first of repeated headers alone; here they are joined, and refused. */
export function authorizationOf({ raw }: FastifyRequest): string | undefined {
  return raw.headersDistinct['authorization']?.join(',')
}
