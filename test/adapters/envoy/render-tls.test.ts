import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { startTenantgate, type TenantgateProcess } from '../../../src/demo/tenantgate-process.ts'
import { policyFrom } from '../../support/builders.ts'
import { createAuthority, type Authority } from '../../support/certificates.ts'
import { rawRequest } from '../../support/raw-http.ts'
import { renderPolicy } from '../../support/render-edge.ts'
import { startRenderedEnvoy } from '../../support/rendered-envoy.ts'
import { startFakeAuthz } from '../servers/fake-authz.ts'

/** A policy with one public route to an upstream. */
const policyTo = (one: string) =>
  policyFrom(
    stringify({
      ...{ version: 1, upstreams: { one }, defaultUpstream: 'one' },
      routes: [{ name: 'a', match: 'GET /o/{id}/leave', access: 'public' }],
    }),
  )

describe('workers with mutual TLS', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tenantgate-render-'))
  const upstreamPort = 1 // nobody is there: 503 by Envoy means that the worker allowed it
  const authority = createAuthority(folder, 'authority')
  const stranger = createAuthority(folder, 'stranger')
  const [server, client] = [authority.issue('server'), authority.issue('client')]
  const policy = policyTo(`http://127.0.0.1:${upstreamPort}`)
  let gate: TenantgateProcess
  beforeAll(async () => {
    const file = join(folder, 'policy.yaml')
    writeFileSync(file, stringify(policy.definition))
    gate = await startTenantgate({
      ...{ BETTER_AUTH_SECRET: 'x'.repeat(32), DATABASE_URL: 'postgres://127.0.0.1:1/none' },
      ...{ TENANTGATE_POLICY: file, TENANTGATE_GRPC_TLS_CERT: server.cert },
      ...{ TENANTGATE_GRPC_TLS_KEY: server.key, TENANTGATE_GRPC_TLS_CLIENT_CA: authority.cert },
    })
  })
  afterAll(async () => {
    await gate.close()
    rmSync(folder, { recursive: true })
  })

  it.each([
    ['are asked', { ca: authority.cert, own: client }, 'upstream'],
    ['refuse an Envoy that shows no certificate', { ca: authority.cert }, 'ext_authz'],
    [
      'are not asked where another authority is trusted',
      { ca: stranger.cert, own: client },
      'ext_authz',
    ],
  ] as const)('%s', async (_name, authzTls, failing) => {
    const envoy = await startRenderedEnvoy(
      renderPolicy(policy, { authz: [gate.grpcAddress], authzTls }),
    )
    try {
      const answer = await rawRequest(envoy.url, { path: '/o/1/leave' })
      // Envoy's own words where the upstream is not there; none where no worker decided.
      const upstreamFailed = answer.body.includes('upstream connect error')
      expect([answer.status, upstreamFailed]).toEqual([503, failing === 'upstream'])
    } finally {
      await envoy.close()
    }
  })
})

describe('upstreams with TLS', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tenantgate-render-'))
  let authority: Authority
  let stranger: Authority
  let server: Server
  let reached = 0
  let authz: Awaited<ReturnType<typeof startFakeAuthz>>
  beforeAll(async () => {
    authority = createAuthority(folder, 'authority')
    stranger = createAuthority(folder, 'stranger')
    const { cert, key } = authority.issue('upstream')
    server = createServer({ cert: readFileSync(cert), key: readFileSync(key) }, (_, response) => {
      reached += 1
      response.end()
    })
    server.listen(0, '0.0.0.0')
    await once(server, 'listening')
    authz = await startFakeAuthz(() => ({ status: { code: 0 }, okResponse: {} }))
  })
  afterAll(() => {
    authz.close()
    server.close()
    rmSync(folder, { recursive: true })
  })

  it.each([
    ['localhost', 'authority', 200],
    ['127.0.0.1', 'authority', 200],
    ['127.0.0.2', 'authority', 503], // not what its certificate is for
    ['localhost', 'stranger', 503],
  ] as const)('%s, known by the certificates of the %s: %i', async (host, by, status) => {
    const { port } = server.address() as AddressInfo
    const policy = policyTo(`https://${host}:${port}`)
    const upstreamCa = (by === 'authority' ? authority : stranger).cert
    const envoy = await startRenderedEnvoy(
      renderPolicy(policy, { authz: [authz.address], upstreamCa }),
    )
    reached = 0
    try {
      const answer = await rawRequest(envoy.url, { path: '/o/1/leave' })
      expect([answer.status, reached]).toEqual([status, status === 200 ? 1 : 0])
    } finally {
      await envoy.close()
    }
  })
})
