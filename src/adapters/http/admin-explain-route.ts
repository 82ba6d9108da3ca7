import type { FastifyInstance, FastifyReply } from 'fastify'
import { readStated, type Explanation } from '../../application/explain.ts'
import type { LocatedFault } from '../../application/load-policy.ts'
import type { OnePlace } from '../../application/one-place.ts'
import type { SimulatedRequest, SimulatedSubject } from '../../application/subject.ts'
import { AppError } from '../../domain/errors.ts'
import { sendTooMany } from './admin-guard.ts'
import { explainRequest } from './admin-route-schemas.ts'

/**
 * Explains a stated request under a policy's text, or undefined: under the policy in force; or tells
 * every fault of that text.
 */
export type AdminExplain = (
  stated: { readonly request: SimulatedRequest; readonly subject: SimulatedSubject },
  policyText: string | undefined,
) => Promise<{ readonly explanation: Explanation } | { readonly faults: readonly LocatedFault[] }>

interface ExplainBody {
  readonly policy?: string
}

/** Longest body, in bytes: a policy with some hundred routes, and what is asked about it. */
const maxBodyBytes = 256 * 1024

/** When another policy that was sent may have been read, in s. */
const retryAfterS = 2

/** What explaining rests on. */
export interface ExplainRouteDeps {
  readonly explain: AdminExplain
  /** One policy that is sent at a time: each is read on a thread of its own, with memory of its own. */
  readonly explainPlace: OnePlace
}

/** `POST /explain` */
export function addExplainRoute(
  admin: FastifyInstance,
  { explain, explainPlace }: ExplainRouteDeps,
): void {
  admin.post<{ Body: ExplainBody }>(
    '/explain',
    { schema: explainRequest, bodyLimit: maxBodyBytes },
    async (request, reply) => {
      const { policy, ...stated } = request.body
      const reading = readStated(stated)
      if ('faults' in reading) {
        const faults = reading.faults.map(({ message, path }) => `${path.join('.')}: ${message}`)
        throw new AppError('INPUT_INVALID', faults.join('; '))
      }
      const leave = policy === undefined ? () => undefined : explainPlace()
      if (leave === undefined) return sendTooMany(reply, retryAfterS)
      const result = await explain(reading, policy).finally(leave)
      return 'faults' in result ? sendPolicyFaults(reply, result.faults) : result.explanation
    },
  )
}

/** A policy that was sent and does not load; what is wrong with it stands in `faults`. */
export function sendPolicyFaults(
  reply: FastifyReply,
  faults: readonly LocatedFault[],
): FastifyReply {
  return reply
    .code(422)
    .type('application/problem+json')
    .send({
      type: 'about:blank',
      title: 'The policy does not load',
      status: 422,
      faults: faults.slice(0, maxFaults),
    })
}

/** Faults that one answer names. */
const maxFaults = 100
