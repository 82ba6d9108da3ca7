import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { readDump, type EnvoyDump } from '../../../src/adapters/envoy/doctor-dump.ts'
import { envoyPart, examineDump, type EnvoyDoctorDeps } from '../../../src/adapters/envoy/doctor.ts'
import { startEnvoy } from '../../../src/adapters/servers/envoy.ts'
import { complaints, examinePart, findingOf } from '../../support/doctor.ts'
import { startHttpServer } from '../../support/http-server.ts'
import { servers } from '../../support/servers.ts'

const deps: EnvoyDoctorDeps = {
  adminUrl: 'http://127.0.0.1:1',
  identityHeaders: [
    ...['x-user-id', 'x-org-id', 'x-org-role', 'x-user-role'],
    ...['x-authz-decision-id', 'x-identity-assertion'],
  ],
  tenantHeaders: [],
  deadlineMs: 100,
  drainMs: 5_000,
}

const examine = (adminUrl: string) => examinePart(envoyPart({ ...deps, adminUrl }))

/** What a real Envoy says that runs the shipped configuration. */
let dump: EnvoyDump
beforeAll(async () => {
  const envoy = await startEnvoy({
    envoy: servers().envoy,
    authz: ['127.0.0.1:1'],
    upstream: '127.0.0.1:1',
  })
  dump = await readDump(envoy.adminUrl)
  await envoy.close()
})

describe('a configuration', () => {
  it('with an admin interface for everybody', () => {
    const bootstrap = { admin: { address: { socket_address: { address: '0.0.0.0' } } } }
    expect(complaints(examineDump({ ...dump, bootstrap }, deps))).toEqual(['warn envoy.admin'])
  })

  it('whose cluster is not there', () => {
    expect(complaints(examineDump({ ...dump, clusters: [] }, deps))).toEqual([
      'error envoy.cluster',
    ])
  })

  it('without any listener', () => {
    expect(complaints(examineDump({ ...dump, managers: [], routeConfigs: [] }, deps))).toEqual([
      'warn envoy.ext_authz',
    ])
  })

  it('that keeps a tenant header back', () => {
    const [manager] = dump.managers
    const [filter] = manager?.config['http_filters'] as { typed_config: object }[]
    const config = {
      ...manager?.config,
      http_filters: [
        {
          ...filter,
          typed_config: {
            ...filter?.typed_config,
            allowed_headers: { patterns: [{ exact: 'Authorization', ignore_case: true }] },
          },
        },
      ],
    }
    const changed = { ...dump, managers: [{ listener: 'edge', config }] }
    expect(complaints(examineDump(changed, deps))).toEqual([])
    const told = examineDump(changed, { ...deps, tenantHeaders: ['x-organization-id'] })
    expect(complaints(told)).toEqual(['error envoy.sent_headers'])
    expect(findingOf(told, 'envoy.sent_headers').message).toMatch(/not sent x-organization-id$/)
  })
})

describe('an admin interface that', () => {
  it.each<[string, string, number]>([
    ['is something else', '<html>', 200],
    ['refuses', '{}', 403],
    ['holds no configuration', '{"configs": []}', 200],
  ])('%s', async (_title, body, status) => {
    const server = await startHttpServer((_request, response) => {
      response.statusCode = status
      response.end(body)
    })
    onTestFinished(server.close)
    expect(complaints(await examine(server.url))).toEqual(['error envoy.reachable'])
  })

  it('nobody answers', async () => {
    const gone = await startHttpServer(() => undefined)
    await gone.close()
    const findings = await examine(gone.url)
    expect(complaints(findings)).toEqual(['error envoy.reachable'])
    expect(findings[0]?.message).toMatch(/ECONNREFUSED/)
  })
})
