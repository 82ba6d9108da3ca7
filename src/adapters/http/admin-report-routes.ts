import type { FastifyInstance } from 'fastify'
import type { Coverage } from '../../application/coverage.ts'
import type { OnePlace } from '../../application/one-place.ts'
import type { Finding } from '../../domain/finding.ts'
import { sendTooMany } from './admin-guard.ts'
import { getCoverage, getDoctor } from './admin-report-schemas.ts'

/** Reports that take a while, each one at a time. */
export interface AdminReports {
  readonly coverage: (signal: AbortSignal) => Promise<Coverage>
  readonly doctor: () => Promise<readonly Finding[]>
  readonly places: { readonly coverage: OnePlace; readonly doctor: OnePlace }
}

/** Time for a coverage, in ms; an examination has limits of its own. */
const timeoutMs = 10_000
/** When another one may have ended, in s. */
const retryAfterS = 2

/** `GET /coverage` and `GET /doctor`. */
export function addReportRoutes(admin: FastifyInstance, reports: AdminReports): void {
  const { coverage, doctor, places } = reports
  admin.get('/coverage', { schema: getCoverage }, async (_request, reply) => {
    const leave = places.coverage()
    if (leave === undefined) return sendTooMany(reply, retryAfterS)
    return coverage(AbortSignal.timeout(timeoutMs)).finally(leave)
  })
  admin.get('/doctor', { schema: getDoctor }, async (_request, reply) => {
    const leave = places.doctor()
    if (leave === undefined) return sendTooMany(reply, retryAfterS)
    return doctor()
      .then((checks) => ({ checks }))
      .finally(leave)
  })
}
