import type { FastifyInstance } from 'fastify'
import type { AdminDecisions } from '../../application/admin-decisions.ts'
import type { AdminReplay } from '../../application/admin-replay.ts'
import type { LoadedPolicy } from '../../application/policy-history.ts'
import { addDecisionRoutes } from './admin-decision-routes.ts'
import { addExplainRoute, type ExplainRouteDeps } from './admin-explain-route.ts'
import { guardAdmin, type AdminGuardDeps } from './admin-guard.ts'
import { addReplayRoute } from './admin-replay-route.ts'
import { addReportRoutes, type AdminReports } from './admin-report-routes.ts'
import { getPolicy } from './admin-route-schemas.ts'
import { sendNotFound, sendProblem } from './problem.ts'

/** What the admin endpoints rest on. */
export interface AdminRoutesDeps extends AdminGuardDeps, ExplainRouteDeps {
  readonly decisions: AdminDecisions
  readonly policy: () => LoadedPolicy
  readonly replay: AdminReplay
  readonly reports: AdminReports
}

const prefix = '/admin/v1'
const allMethods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const

/** The admin API (contract section 7): for platform admins alone, whatever is asked for. */
export function createAdminRoutes(deps: AdminRoutesDeps) {
  return (scope: FastifyInstance): void => {
    scope.register(
      (admin, _options, done) => {
        guardAdmin(admin, deps)
        admin.removeContentTypeParser('text/plain')
        // Nothing is left out that the schema does not know: tests hold answers against it.
        admin.setSerializerCompiler(() => JSON.stringify)
        admin.setNotFoundHandler((_request, reply) => sendNotFound(reply))
        addRoutes(admin, deps)
        done()
      },
      { prefix },
    )
  }
}

function addRoutes(admin: FastifyInstance, deps: AdminRoutesDeps): void {
  addDecisionRoutes(admin, deps.decisions)
  addExplainRoute(admin, deps)
  addReplayRoute(admin, deps.replay)
  addReportRoutes(admin, deps.reports)
  admin.get('/policy', { schema: getPolicy }, () => {
    const { loadedAt, policy } = deps.policy()
    return { version: policy.version, loaded_at: loadedAt, definition: policy.definition }
  })
  refuseOtherMethods(admin, {
    '/decisions': ['GET', 'HEAD'],
    '/decisions/:id': ['GET', 'HEAD'],
    '/explain': ['POST'],
    '/replay': ['POST'],
    '/coverage': ['GET', 'HEAD'],
    '/doctor': ['GET', 'HEAD'],
    '/policy': ['GET', 'HEAD'],
  })
}

/** Tells which methods there are (RFC 9110 section 15.5.6); no answer lets another origin in. */
function refuseOtherMethods(
  admin: FastifyInstance,
  routes: Readonly<Record<string, readonly string[]>>,
): void {
  for (const [url, methods] of Object.entries(routes)) {
    const allow = [...methods, 'OPTIONS'].join(', ')
    admin.route({
      method: allMethods.filter((method) => !methods.includes(method)),
      url,
      exposeHeadRoute: false,
      // Before any body is looked at.
      onRequest: async (request, reply) => {
        reply.header('allow', allow)
        if (request.method === 'OPTIONS') await reply.code(204).send()
        else {
          const title = 'There is no such method here'
          await sendProblem(reply, { type: 'about:blank', title, status: 405 })
        }
      },
      handler: () => undefined,
    })
  }
}
