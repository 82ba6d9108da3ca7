import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { envoyPart, type EnvoyDoctorDeps } from '../../../src/adapters/envoy/doctor.ts'
import {
  connectionManager,
  extAuthz,
  type EnvoyConfig,
} from '../../../src/adapters/servers/envoy-config.ts'
import { startEnvoy, type EnvoyServer } from '../../../src/adapters/servers/envoy.ts'
import { complaints, examinePart, findingOf, isDocumented } from '../../support/doctor.ts'
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

/** A real Envoy that runs the shipped configuration with a change. Port 1 refuses connections. */
async function envoyWith(patch: (config: EnvoyConfig) => unknown): Promise<EnvoyServer> {
  const envoy = await startEnvoy({
    envoy: servers().envoy,
    authz: ['127.0.0.1:1'],
    upstream: '127.0.0.1:1',
    patch: (config) => void patch(config),
  })
  onTestFinished(envoy.close)
  return envoy
}

const examine = (adminUrl: string, more: Partial<EnvoyDoctorDeps> = {}) =>
  examinePart(envoyPart({ ...deps, adminUrl, ...more }))

let shipped: EnvoyServer
beforeAll(async () => {
  shipped = await startEnvoy({
    envoy: servers().envoy,
    authz: ['127.0.0.1:1'],
    upstream: '127.0.0.1:1',
  })
})
afterAll(() => shipped.close())

describe('the shipped configuration', () => {
  it('has no findings', async () => {
    const findings = await examine(shipped.adminUrl)
    expect(complaints(findings)).toEqual([])
    expect(findings).toHaveLength(15)
    expect(findings[0]?.message).toMatch(/Envoy 1\.\d+\.\d+, LIVE$/)
    expect(findings.map(({ name }) => name).filter((name) => !isDocumented(name))).toEqual([])
  })

  it.each<[string, Partial<EnvoyDoctorDeps>, string]>([
    ['a deadline beyond its limit for one try', { deadlineMs: 120 }, 'error envoy.timeout'],
    ['a drain that is too short', { drainMs: 4_000 }, 'warn envoy.health_checks'],
    ['another header of the policy', { identityHeaders: ['x-who'] }, 'error envoy.header_fence'],
  ])('with %s', async (_title, more, expected) => {
    expect(complaints(await examine(shipped.adminUrl, more))).toContain(expected)
  })
})

const perRoute = 'type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute'

interface RouteTable {
  virtual_hosts: { routes: Record<string, unknown>[]; [field: string]: unknown }[]
}
const routeTable = (config: EnvoyConfig): RouteTable =>
  connectionManager(config)['route_config'] as RouteTable
const disable = (config: EnvoyConfig): void => {
  const [route] = routeTable(config).virtual_hosts[0]?.routes ?? []
  if (route === undefined) throw new Error('no route')
  route['typed_per_filter_config'] = {
    'envoy.filters.http.ext_authz': { '@type': perRoute, disabled: true },
  }
}

describe('a running Envoy', () => {
  it.each<[string, (config: EnvoyConfig) => unknown, readonly string[]]>([
    [
      'without ext_authz',
      (config) => connectionManager(config).http_filters.shift(),
      ['error envoy.ext_authz'],
    ],
    [
      'with ext_authz that begins disabled',
      (config) =>
        Object.assign(connectionManager(config).http_filters[0] ?? {}, { disabled: true }),
      ['error envoy.ext_authz'],
    ],
    [
      'that fails open',
      (config) => (extAuthz(config)['failure_mode_allow'] = true),
      ['error envoy.failure_mode'],
    ],
    [
      'in shadow mode',
      (config) => (extAuthz(config)['shadow_mode'] = true),
      ['error envoy.failure_mode'],
    ],
    [
      'that can be switched off',
      (config) => {
        delete extAuthz(config)['deny_at_disable']
        extAuthz(config)['filter_enabled'] = { default_value: { numerator: 100 }, runtime_key: 'x' }
      },
      ['warn envoy.failure_mode'],
    ],
    ['with a route that is not asked about', disable, ['warn envoy.routes']],
    [
      'that lets identity headers in',
      (config) => delete connectionManager(config)['early_header_mutation_extensions'],
      ['warn envoy.identity_headers'],
    ],
    [
      'that lets identity headers in on a route that is not asked about',
      (config) => {
        disable(config)
        delete connectionManager(config)['early_header_mutation_extensions']
      },
      ['warn envoy.routes', 'error envoy.identity_headers'],
    ],
    [
      'that does not normalise',
      (config) =>
        Object.assign(connectionManager(config), { normalize_path: false, merge_slashes: false }),
      ['warn envoy.paths'],
    ],
    [
      'that unescapes slashes',
      (config) =>
        (connectionManager(config)['path_with_escaped_slashes_action'] = 'UNESCAPE_AND_FORWARD'),
      ['warn envoy.paths'],
    ],
    [
      'that tells hosts apart by their port',
      (config) => delete connectionManager(config)['strip_any_host_port'],
      ['warn envoy.hosts'],
    ],
    [
      'that believes private clients',
      (config) => (connectionManager(config)['internal_address_config'] = { unix_sockets: false }),
      ['warn envoy.internal_addresses'],
    ],
    [
      "that removes tenantgate's headers",
      (config) => Object.assign(routeTable(config), { request_headers_to_remove: ['X-User-Id'] }),
      ['error envoy.removed_headers'],
    ],
    [
      'that keeps the credential back',
      (config) => (extAuthz(config)['allowed_headers'] = { patterns: [{ prefix: 'x-' }] }),
      ['error envoy.sent_headers'],
    ],
    [
      'without a fence',
      (config) => delete extAuthz(config)['decoder_header_mutation_rules'],
      ['warn envoy.header_fence'],
    ],
    [
      'with a fence around too little',
      (config) =>
        (extAuthz(config)['decoder_header_mutation_rules'] = {
          disallow_all: true,
          allow_expression: { regex: '^x-user-.*$' },
        }),
      ['error envoy.header_fence'],
    ],
    [
      'whose tries end at 25 ms by the back-off',
      (config) =>
        Object.assign(extAuthz(config)['grpc_service'] as object, {
          retry_policy: {
            retry_on: 'reset',
            retry_back_off: { base_interval: '0.01s', max_interval: '0.025s' },
          },
        }),
      ['error envoy.timeout'],
    ],
    [
      'that asks by HTTP/1.1',
      (config) => {
        const [authz] = config.static_resources.clusters
        delete authz?.['typed_extension_protocol_options']
        delete authz?.health_checks // they alone would make Envoy refuse it
      },
      ['error envoy.cluster', 'warn envoy.health_checks'],
    ],
    [
      'without health checks',
      (config) => delete config.static_resources.clusters[0]?.health_checks,
      ['warn envoy.health_checks'],
    ],
    [
      'that asks by HTTP instead of gRPC',
      (config) => {
        delete extAuthz(config)['grpc_service']
        extAuthz(config)['http_service'] = {
          server_uri: { uri: 'http://127.0.0.1:1', cluster: 'authz', timeout: '0.25s' },
        }
      },
      ['error envoy.cluster'],
    ],
  ])('%s', async (_title, patch, expected) => {
    const envoy = await envoyWith(patch)
    expect(complaints(await examine(envoy.adminUrl))).toEqual(expected)
  })

  it('with a second listener that asks nobody', async () => {
    const envoy = await envoyWith((config) => {
      const [edge] = config.static_resources.listeners
      const second = structuredClone(edge)
      if (second === undefined) throw new Error('no listener')
      Object.assign(second, { name: 'back-door' })
      second.filter_chains[0]?.filters[0]?.typed_config.http_filters.shift()
      config.static_resources.listeners.push(second)
    })
    const findings = await examine(envoy.adminUrl)
    expect(complaints(findings)).toEqual(['error envoy.ext_authz'])
    expect(findingOf(findings, 'envoy.ext_authz').message).toMatch(/on back-door$/)
  })

  it.each<[string, 'before' | 'after', readonly string[]]>([
    ['before ext_authz instead', 'before', []],
    ['after ext_authz, which is too late', 'after', ['warn envoy.identity_headers']],
  ])('whose identity headers go by a filter %s', async (_title, where, expected) => {
    const mutations = deps.identityHeaders.map((remove) => ({ remove }))
    const filter = {
      name: 'envoy.filters.http.header_mutation',
      typed_config: {
        '@type':
          'type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation',
        mutations: { request_mutations: mutations },
      },
    }
    const envoy = await envoyWith((config) => {
      const manager = connectionManager(config)
      delete manager['early_header_mutation_extensions']
      manager.http_filters.splice(where === 'before' ? 0 : 1, 0, filter)
    })
    expect(complaints(await examine(envoy.adminUrl))).toEqual(expected)
  })
})
