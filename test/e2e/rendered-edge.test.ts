import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { examineDump } from '../../src/adapters/envoy/doctor.ts'
import { readDump } from '../../src/adapters/envoy/doctor-dump.ts'
import { dropDatabase } from '../../src/adapters/servers/postgres.ts'
import { startTenantgate, type TenantgateProcess } from '../../src/demo/tenantgate-process.ts'
import { startUpstream, type Upstream } from '../../src/demo/upstream.ts'
import { tenantgate } from '../support/command-line.ts'
import { secret, tokenOf } from '../support/instance.ts'
import { createPeople, type People, type Person } from '../support/people.ts'
import { until } from '../support/poll.ts'
import { bearer, rawRequest, reasonOf } from '../support/raw-http.ts'
import { startRenderedEnvoy, type RenderedEnvoy } from '../support/rendered-envoy.ts'
import { freshDatabase, servers } from '../support/servers.ts'

const names = ['leave', 'people', 'pay', 'reports', 'assets']
const custom = { userId: 'x-acme-user', organizationId: 'x-acme-org', userRole: 'x-acme-platform' }
const identityHeaders = [...Object.values(custom), 'x-org-role', 'x-authz-decision-id']

interface EdgeRoute {
  readonly name: string
  readonly match: string
  readonly upstream: string
  readonly permission: string
  readonly hosts?: readonly string[]
}

/** 200 routes: 40 of each upstream, those with an even number granted to staff. */
const routes: readonly EdgeRoute[] = names.flatMap((upstream) =>
  Array.from({ length: 40 }, (_, at) => {
    const base = `/api/v1/organizations/{organizationId}/${upstream}`
    const forms = [
      `GET|HEAD ${base}/r${at}`,
      `POST ${base}/r${at}/{id}/approve`,
      `GET ${base}/search${at}/{text:text}`,
      `PUT ${base}/files${at}/{path...}`,
    ]
    return {
      name: `${upstream}.${at}`,
      match: forms[at % 4] ?? '',
      upstream,
      permission: `${upstream}:${Math.floor(at / 4) % 2 === 0 ? 'open' : 'shut'}`,
      ...(at % 10 === 9 ? { hosts: ['files.example.com', '*.files.example.com'] } : {}),
    }
  }),
)

function policyText(upstreams: Readonly<Record<string, string>>): string {
  return stringify({
    version: 1,
    headers: custom,
    roles: { staff: names.map((name) => `${name}:open`) },
    upstreams,
    routes,
  })
}

let folder: string
let databaseUrl: string
let upstreams: readonly Upstream[]
let people: People
let gate: TenantgateProcess
let edge: RenderedEnvoy
let staff: Person
const file = (name: string): string => join(folder, name)

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenantgate-edge-'))
  upstreams = await Promise.all(names.map(() => startUpstream()))
  const urls = names.map((name, at) => [name, upstreams[at]?.url ?? ''])
  await writeFile(
    file('policy.yaml'),
    policyText(Object.fromEntries(urls) as Record<string, string>),
  )
  databaseUrl = await freshDatabase('edge')
  people = await createPeople(databaseUrl, 'edge')
  ;[staff] = (await people.add(1)) as [Person]
  gate = await startTenantgate({
    ...{ BETTER_AUTH_SECRET: secret, DATABASE_URL: databaseUrl, TENANTGATE_DECISION_LOG: 'stdout' },
    ...{ TENANTGATE_POLICY: file('policy.yaml'), TENANTGATE_DEADLINE: '100ms' },
  })
  const args = ['--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0', '--authz', gate.grpcAddress]
  const rendered = await tenantgate(['envoy', '--policy', file('policy.yaml'), ...args])
  expect(rendered).toMatchObject({ status: 0, stderr: '' })
  edge = await startRenderedEnvoy(rendered.stdout)
  await until(async () => (await ask('GET /x')).reason === 'no_route', { what: 'a first decision' })
})
afterAll(async () => {
  await edge.close()
  await Promise.all([gate.close(), ...upstreams.map((one) => one.close())])
  await people.close()
  await dropDatabase(servers().postgresUrl, new URL(databaseUrl).pathname.slice(1))
  await rm(folder, { recursive: true })
})
beforeEach(() => upstreams.forEach((one) => one.clear()))

interface Answer {
  readonly status: number
  readonly reason: string | undefined
  /** The upstreams that were reached. */
  readonly reached: readonly string[]
}

async function ask(
  line: string,
  { headers = [], host = 'api.example.com' }: { headers?: [string, string][]; host?: string } = {},
): Promise<Answer> {
  const [method = '', path = ''] = line.split(' ')
  const answer = await rawRequest(edge.url, {
    method,
    path,
    host,
    headers: [bearer(tokenOf(staff)), ...headers],
  })
  const reached = names.filter((_, at) => (upstreams[at]?.requests().length ?? 0) > 0)
  return { status: answer.status, reason: reasonOf(answer), reached }
}

/** A request that a route takes. */
function lineOf({ match }: EdgeRoute): string {
  const [methods = '', template = ''] = match.split(' ')
  const path = template
    .replace('{organizationId}', staff.organization)
    .replace('{id}', 'l-1')
    .replace('{text:text}', 'a%20b')
    .replace('{path...}', 'x/y.txt')
  return `${methods.split('|').at(-1) ?? ''} ${path}`
}

const hostOf = ({ hosts }: EdgeRoute): string =>
  hosts === undefined ? 'api.example.com' : 'eu.files.example.com'

describe('an edge rendered for 200 routes over 5 upstreams', () => {
  it('decides each route as the policy says, and leads it to its own upstream', async () => {
    expect(routes).toHaveLength(200)
    const wrong: unknown[] = []
    for (const route of routes) {
      upstreams.forEach((one) => one.clear())
      const answer = await ask(lineOf(route), { host: hostOf(route) })
      const granted = route.permission.endsWith(':open')
      const expected: Answer = granted
        ? { status: 200, reason: undefined, reached: [route.upstream] }
        : {
            status: 403,
            reason: lineOf(route).startsWith('HEAD') ? undefined : 'permission_denied',
            reached: [],
          }
      if (JSON.stringify(answer) !== JSON.stringify(expected)) wrong.push({ route, answer })
    }
    expect(wrong).toEqual([])
  })

  it('denies what no route takes, by tenantgate, and reaches no upstream', async () => {
    const base = `/api/v1/organizations/${staff.organization}`
    const lines: [string, string?][] = [
      [`GET /`],
      [`GET ${base}/leave/r0/`],
      [`GET ${base}/leave/r0/more`],
      [`GET ${base}/leave`],
      [`GET ${base}/Leave/r0`],
      [`DELETE ${base}/leave/r0`],
      [`OPTIONS ${base}/leave/r0`],
      [`GET ${base}/leave/r1/l-1/approve`],
      [`GET ${base}/leave/r9/l-1/approve`],
      // Routes of another host.
      [`POST ${base}/leave/r9/l-1/approve`],
      [`POST ${base}/leave/r9/l-1/approve`, 'example.com'],
      [`PUT ${base}/leave/files3`],
    ]
    for (const [line, host] of lines) {
      const answer = await ask(line, host === undefined ? {} : { host })
      expect(answer, line).toEqual({ status: 403, reason: 'no_route', reached: [] })
    }
  })

  it.each(['files.example.com:', 'files.example.com..', 'files.example.com:1:2'])(
    'refuses the host %s, which tenantgate reads as another than Envoy does',
    async (host) => {
      const line = lineOf(routes[0] as EdgeRoute)
      expect(await ask(line, { host })).toMatchObject({ status: 403, reached: [] })
    },
  )

  it('refuses with 403 what only a newer policy allows, which this Envoy has not got', async () => {
    const before = policyText(
      Object.fromEntries(names.map((name, at) => [name, upstreams[at]?.url ?? ''])),
    )
    const newer = '  - { name: new, match: GET /new, access: public, upstream: pay }\n'
    await writeFile(file('policy.yaml'), before + newer)
    try {
      await until(async () => (await ask('GET /new')).reason === 'no_route' && isDecided('new'), {
        what: 'a decision by the newer policy',
      })
      expect(await ask('GET /new')).toEqual({ status: 403, reason: 'no_route', reached: [] })
    } finally {
      await writeFile(file('policy.yaml'), before)
    }
  })

  it('lets no identity header of a client through, under the names of the policy', async () => {
    const route = routes[0] as EdgeRoute
    const spoofed = identityHeaders.map((name): [string, string] => [name, 'evil'])
    const answer = await ask(lineOf(route), {
      headers: [...spoofed, ['x-identity-assertion', 'evil'], ['x-other', 'kept']],
    })
    expect(answer.status).toBe(200)
    const received = upstreams[0]?.requests()[0]?.headers
    expect(received).toMatchObject({
      ...{ 'x-acme-user': staff.user, 'x-acme-org': staff.organization, 'x-org-role': 'staff' },
      'x-other': 'kept',
    })
    expect(JSON.stringify(received)).not.toContain('evil')
  })

  it('is what the doctor asks for', async () => {
    const findings = examineDump(await readDump(edge.adminUrl), {
      ...{ adminUrl: edge.adminUrl, identityHeaders, tenantHeaders: [] },
      ...{ deadlineMs: 100, drainMs: 5_000 },
    })
    expect(findings.filter(({ status }) => status !== 'ok')).toEqual([])
  })
})

/** Whether the decision log has an allow by this route. */
const isDecided = (route: string): boolean => gate.log().includes(`"route":"${route}"`)
