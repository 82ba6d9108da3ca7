import { get, type IncomingMessage } from 'node:http'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import {
  type EnvoyOptions,
  type EnvoyServer,
  startEnvoy,
} from '../../../src/adapters/servers/envoy.ts'
import { startUpstream, type Upstream } from '../../../src/demo/upstream.ts'
import { servers } from '../../support/servers.ts'

let upstream: Upstream
/** Nobody answers it, and it fails open: what must hold even then. */
let open: EnvoyServer
/** Nobody answers it, as it is shipped. */
let closed: EnvoyServer

// Port 1 refuses connections.
const start = (options: Partial<EnvoyOptions> = {}) =>
  startEnvoy({
    envoy: servers().envoy,
    authz: ['127.0.0.1:1'],
    upstream: upstream.address,
    healthCheckIntervalMs: 200,
    ...options,
  })

beforeAll(async () => {
  upstream = await startUpstream()
  ;[open, closed] = await Promise.all([start({ failureModeAllow: true }), start()])
})
afterAll(() => Promise.all([open.close(), closed.close(), upstream.close()]))

/** Not fetch: it would normalise the path and refuse some headers. */
function request(envoy: EnvoyServer, path: string, headers: Record<string, string> = {}) {
  const { hostname, port } = new URL(envoy.url)
  return new Promise<number | undefined>((resolve, reject) => {
    const answer = (response: IncomingMessage) => {
      response.resume()
      response.once('end', () => resolve(response.statusCode))
    }
    get({ hostname, port, path, headers }, answer).once('error', reject)
  })
}

describe('the shipped configuration', () => {
  it('answers 503 and reaches no upstream when nobody decides', async () => {
    upstream.clear()
    expect(await request(closed, '/v1/anything')).toBe(503)
    expect(await request(closed, '/v1/status', { host: 'envoy-routes.example.com' })).toBe(503)
    expect(upstream.requests()).toEqual([])
    await vi.waitFor(() =>
      expect(closed.accessLog().at(-1)).toMatchObject({
        status: 503,
        route: 'status',
        details: 'ext_authz_error',
        path: '/v1/status',
      }),
    )
  })

  it('lets no identity header of a client through, even failing open', async () => {
    upstream.clear()
    const spoofed = {
      'x-user-id': 'evil',
      'X-Org-Id': 'evil',
      'x-org-role': 'owner',
      'x-user-role': 'superadmin',
      'x-authz-decision-id': 'evil',
      'x-identity-assertion': 'evil',
      'x-other': 'kept',
    }
    expect(await request(open, '/a?x=1', spoofed)).toBe(200)
    const [received] = upstream.requests()
    expect(received).toMatchObject({
      method: 'GET',
      path: '/a?x=1',
      headers: { 'x-other': 'kept' },
    })
    expect(JSON.stringify(received)).not.toMatch(/evil|superadmin|owner/)
  })

  it.each([
    ['/a%2Fb', {}],
    ['/a%5Cb', {}],
    ['/a', { x_user_id: 'evil' }],
  ])('refuses %s %o', async (path, headers) => {
    expect(await request(open, path, headers)).toBe(400)
  })

  it('normalises the path before anybody sees it', async () => {
    upstream.clear()
    await request(open, '/public/..//v1/./leave')
    expect(upstream.requests()[0]?.path).toBe('/v1/leave')
  })

  it.each([
    'envoy-routes.example.com:8443',
    'ENVOY-ROUTES.example.com',
    'envoy-routes.example.com.',
  ])('chooses the same virtual host for %s', async (host) => {
    const path = `/v1/status?${host}`
    await request(open, path, { host })
    await vi.waitFor(() => {
      const entry = open.accessLog().at(-1)
      expect(entry).toMatchObject({ route: 'status', path: '/v1/status' })
      expect(String(entry?.['host']).toLowerCase()).toBe('envoy-routes.example.com')
    })
  })
})

describe('startEnvoy', () => {
  it('shows the log of an Envoy that does not start', async () => {
    await expect(start({ patch: (config) => (config['bogus'] = 1) })).rejects.toThrow(
      /Envoy exited with status 1[^]*'bogus'/,
    )
  })

  it('does not share a port with another Envoy', async () => {
    const listen = new URL(open.url).host
    await expect(start({ listen })).rejects.toThrow(`cannot listen on ${listen}: address already`)
  })

  it('stops', async () => {
    const envoy = await start()
    await envoy.close()
    await expect(request(envoy, '/')).rejects.toThrow('ECONNREFUSED')
  })
})
