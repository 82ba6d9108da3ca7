import { createHmac } from 'node:crypto'
import type { Policy } from '../src/domain/policy.ts'
import type { AccessRequest } from '../src/domain/request.ts'
import { policyFrom } from '../test/support/builders.ts'

/** Method, end of the path and permission of what is done with each resource. */
const actions = [
  ['GET', '', 'read'],
  ['PUT', '', 'update'],
  ['DELETE', '', 'delete'],
  ['POST', '/approve', 'approve'],
  ['POST', '/reject', 'reject'],
] as const
const idEnd = 'Xq8LDkf2vOmt5YC2I6oMQ2UE'
const noExtensions: ReadonlyMap<string, string> = new Map()

/** A policy of so many routes, five a resource, and requests for it of so many subjects. */
export interface Workload {
  readonly policy: Policy
  /** The request of a subject, as a decoder makes it: each of its texts is made anew. */
  readonly request: (subject: number) => AccessRequest
}

/** Makes one. With more than 100 routes the subjects are spread over all of them. */
export function createWorkload(routes: number, subjects: number): Workload {
  const resources = Array.from({ length: routes / actions.length }, (_, index) =>
    index === 0 ? 'leave' : `resource${index}`,
  )
  const spread = routes > 100 ? resources.length : 1
  const messages = Array.from({ length: subjects }, (_, subject) =>
    messageOf(subject, resources[(subject * 7_919) % spread] ?? ''),
  )
  return {
    policy: policyOf(resources, spread > 1),
    request(subject) {
      const message = messages[subject]
      if (message === undefined) throw new Error('there is no such subject')
      return new DecodedRequest(message)
    },
  }
}

function policyOf(resources: readonly string[], everything: boolean): Policy {
  const all = resources.flatMap((name) => actions.map(([, , action]) => `${name}:${action}`))
  const base = '/api/v1/organizations/{organizationId}'
  return policyFrom(
    JSON.stringify({
      version: 1,
      roles: {
        ...{ admin: all.slice(0, 35), owner: all.slice(0, 40), viewer: all.slice(0, 20) },
        staff: everything ? ['*'] : all.slice(0, 24),
      },
      routes: resources.flatMap((name) =>
        actions.map(([method, end, action]) => ({
          name: `${name}.${action}`,
          match: `${method} ${base}/${name}/{id}${end}`,
          permission: `${name}:${action}`,
        })),
      ),
    }),
  )
}

/** The texts of a message, and where each ends. */
interface Message {
  readonly bytes: Buffer
  readonly pathEnd: number
  readonly authorizationEnd: number
}

function messageOf(subject: number, resource: string): Message {
  const number = String(subject).padStart(8, '0')
  const path = `/api/v1/organizations/${number}${idEnd}/${resource}/l${number}${idEnd}/approve?x=1`
  const authorization = `Bearer ${tokenOf(`u${number}${idEnd}`, `${number}${idEnd}`)}`
  const requestId = `39dd65c8-3b42-4cca-ae76-0000${number}`
  const pathEnd = path.length
  const authorizationEnd = pathEnd + authorization.length
  return { bytes: Buffer.from(path + authorization + requestId), pathEnd, authorizationEnd }
}

function tokenOf(user: string, organizationId: string): string {
  const encoded = (value: object): string =>
    Buffer.from(JSON.stringify(value)).toString('base64url')
  const nowS = Math.floor(Date.now() / 1000)
  const signed = `${encoded({ alg: 'HS256', typ: 'JWT', kid: 'hs1' })}.${encoded({
    ...{ iss: 'https://id.example.com', aud: 'https://api.example.com', sub: user },
    ...{ organizationId, orgRole: 'staff', iat: nowS - 60, exp: nowS + 86_400 },
  })}`
  return `${signed}.${createHmac('sha256', 'bench').update(signed).digest('base64url')}`
}

const host = Buffer.from('api.example.com')

class DecodedRequest implements AccessRequest {
  readonly method = 'POST'
  readonly host: string
  readonly path: string
  readonly extensions = noExtensions
  readonly header: AccessRequest['header']

  constructor({ authorizationEnd, bytes, pathEnd }: Message) {
    this.host = host.toString('latin1')
    this.path = bytes.toString('latin1', 0, pathEnd)
    this.header = (name) => {
      if (name === 'authorization') return bytes.toString('latin1', pathEnd, authorizationEnd)
      return name === 'x-request-id' ? bytes.toString('latin1', authorizationEnd) : undefined
    }
  }
}
