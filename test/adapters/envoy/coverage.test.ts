import { readFileSync } from 'node:fs'
import { describe, expect, it, onTestFinished } from 'vitest'
import { parse, stringify } from 'yaml'
import { readGatewayFile, readRunningGateway } from '../../../src/adapters/envoy/coverage-source.ts'
import { parsePolicyDocument } from '../../../src/adapters/files/policy-document.ts'
import {
  connectionManager,
  extAuthz,
  renderEnvoyConfig,
  type EnvoyConfig,
} from '../../../src/adapters/servers/envoy-config.ts'
import { startEnvoy } from '../../../src/adapters/servers/envoy.ts'
import { pathExpression, segmentsOfExpression } from '../../../src/adapters/envoy/render-match.ts'
import { coverageOf } from '../../../src/application/coverage.ts'
import type { Gateway } from '../../../src/domain/coverage-gateway.ts'
import { routesOf } from '../../../src/domain/coverage-requests.ts'
import type { Policy } from '../../../src/domain/policy.ts'
import { policyFrom } from '../../support/builders.ts'
import { startHttpServer } from '../../support/http-server.ts'
import { randomWorld } from '../../support/random-policies.ts'
import { renderPolicy } from '../../support/render-edge.ts'
import { servers } from '../../support/servers.ts'

const policyOf = (...matches: readonly string[]): Policy =>
  policyFrom(
    JSON.stringify({
      version: 1,
      routes: matches.map((match) => ({
        name: match.replaceAll(' ', '.'),
        match,
        access: 'public',
      })),
    }),
  )
const shipped = readFileSync('envoy/envoy.yaml', 'utf8')
const example = policyFrom(readFileSync('examples/policy.yaml', 'utf8'))

function gatewayOf(text: string): Gateway {
  const reading = readGatewayFile('envoy.yaml', parsePolicyDocument(text))
  if ('faults' in reading) throw new Error(JSON.stringify(reading.faults))
  return reading
}

type Patch = (config: EnvoyConfig) => void

/** The shipped configuration with a change. */
function patched(patch: Patch): string {
  const config = parse(shipped) as EnvoyConfig
  patch(config)
  return stringify(config)
}

interface Table {
  virtual_hosts: { name: string; routes: Record<string, unknown>[]; [key: string]: unknown }[]
  [key: string]: unknown
}
const tableOf = (config: EnvoyConfig): Table => connectionManager(config)['route_config'] as Table
const hostOf = (config: EnvoyConfig) => {
  const [host] = tableOf(config).virtual_hosts
  if (host === undefined) throw new Error('no virtual host')
  return host
}

const filterName = 'envoy.filters.http.ext_authz'
const perRoute = (settings: object) => ({
  typed_per_filter_config: {
    [filterName]: {
      '@type': 'type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute',
      ...settings,
    },
  },
})
const filterConfig = (settings: object) => ({
  typed_per_filter_config: {
    [filterName]: {
      '@type': 'type.googleapis.com/envoy.config.route.v3.FilterConfig',
      ...settings,
    },
  },
})
const forward = { route: { cluster: 'upstream' } }

/** Adds routes before the others of the first virtual host. */
const withRoutes =
  (...routes: readonly object[]): Patch =>
  (config) =>
    hostOf(config).routes.unshift(...routes.map((route) => ({ ...forward, ...route })))

function told(policy: Policy, patch: Patch): readonly string[] {
  const { uncovered } = coverageOf(policy, { envoy: [gatewayOf(patched(patch))] })
  return uncovered.map((one) =>
    one.kind === 'gateway' ? `${one.listener}/${one.route ?? '*'}: ${one.why}` : 'operation',
  )
}

/** All that is told of a gateway, but for what only a file tells. */
function toldAlike(gateway: Gateway): string {
  const { gateway_routes, uncovered } = coverageOf(example, {
    envoy: [{ ...gateway, source: '' }],
  })
  return JSON.stringify([
    uncovered,
    gateway_routes.map(({ extensions, why, ...one }) => ({
      ...one,
      extensions: Object.keys(extensions).sort(),
      why: one.decided_by === 'open' ? why : null,
    })),
  ])
}

describe('the shipped configuration', () => {
  it('leaves nothing open, and says what decides each route', () => {
    const { dead, gateway_routes, matrix, uncovered } = coverageOf(example, {
      envoy: [gatewayOf(shipped)],
    })
    expect([uncovered, dead]).toEqual([[], []])
    expect(
      gateway_routes.map((one) => `${one.virtual_host}/${one.route} ${one.decided_by}`),
    ).toEqual([
      'policy/default default-deny',
      'envoy-routes/report-export extensions',
      'envoy-routes/leave-list extensions',
      'envoy-routes/profile extensions',
      'envoy-routes/status extensions',
      'envoy-routes/envoy-routes-default default-deny',
    ])
    expect(gateway_routes[0]?.routes).toHaveLength(9)
    const row = matrix.find(({ route }) => route === 'envoy-routes/leave-list')
    expect(row).toMatchObject({
      source: 'envoy',
      match: 'GET path /v1/leave',
      hosts: ['envoy-routes.example.com'],
      roles: { owner: true, admin: true, staff: true, viewer: true },
    })
  })

  it('is read alike from the file, a running Envoy, and what that one dumps', async () => {
    const envoy = await startEnvoy({
      envoy: servers().envoy,
      authz: ['127.0.0.1:1'],
      upstream: '127.0.0.1:1',
    })
    onTestFinished(envoy.close)
    const dump = await (await fetch(`${envoy.adminUrl}/config_dump?include_eds`)).text()
    const running = await readRunningGateway(envoy.adminUrl)
    expect(toldAlike(running)).toBe(toldAlike(gatewayOf(shipped)))
    expect(toldAlike(gatewayOf(dump))).toBe(toldAlike(gatewayOf(shipped)))
    // Envoy does not tell what context_extensions say: that they are there is all that is known.
    const { gateway_routes, matrix } = coverageOf(example, { envoy: [running] })
    expect(gateway_routes[2]).toMatchObject({
      extensions: { permission: '[redacted]' },
      why: expect.stringContaining('not told here') as string,
    })
    expect(matrix).toHaveLength(9)
  })

  it('is read alike in the spelling of JSON', () => {
    const camel = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(camel)
      if (typeof value !== 'object' || value === null) return value
      return Object.fromEntries(
        Object.entries(value).map(([key, one]: [string, unknown]) => [
          key.includes('.') ? key : key.replaceAll(/_([a-z])/g, (_, c: string) => c.toUpperCase()),
          camel(one),
        ]),
      )
    }
    expect(JSON.stringify(gatewayOf(JSON.stringify(camel(parse(shipped)))))).toBe(
      JSON.stringify(gatewayOf(shipped)),
    )
  })
})

describe('what is rendered for a policy', () => {
  const served = (...matches: readonly string[]): Policy => {
    const { definition } = policyOf(...matches)
    const upstreams = { one: 'http://one:8080' }
    return policyFrom(JSON.stringify({ ...definition, upstreams, defaultUpstream: 'one' }))
  }

  it.each([true, false])('is decided route by route (hosts: %s)', (hosts) => {
    const world = randomWorld(3)
    for (let count = 0; count < 8; count += 1) {
      const policy = world.policy(25, 'http://one:8080', { hosts })
      const { dead, gateway_routes, uncovered } = coverageOf(policy, {
        envoy: [gatewayOf(renderPolicy(policy))],
      })
      expect([dead, uncovered]).toEqual([coverageOf(policy).dead, []])
      expect(new Set(gateway_routes.map((one) => one.decided_by))).toEqual(new Set(['policy']))
    }
  })

  it('tells of a route that the policy has no more', () => {
    const matches = ['GET /a/{x}', 'GET|POST /b/{x:text}/c', 'PURGE /d.e/{x...}', 'GET /f/']
    const rendered = gatewayOf(renderPolicy(served(...matches)))
    for (const [index, match] of matches.entries()) {
      const { dead, uncovered } = coverageOf(served(...matches.toSpliced(index, 1)), {
        envoy: [rendered],
      })
      expect([dead, uncovered]).toEqual([
        [],
        [expect.objectContaining({ route: match.replaceAll(' ', '.') })],
      ])
    }
  })

  it('is read back as the segments that it was made of, and nothing else is', () => {
    const world = randomWorld(5)
    for (let count = 0; count < 40; count += 1) {
      for (const { template } of routesOf(world.policy(10, 'http://one:8080'))) {
        const read = segmentsOfExpression(pathExpression(template))
        const unnamed = template.segments.map((one) =>
          one.kind === 'literal' ? one : { ...one, name: '' },
        )
        expect(read).toEqual(unnamed)
      }
    }
    for (const other of [
      '',
      'a',
      '/a.',
      '/a|/b',
      '/a(/b)?',
      '/[^/]+',
      '/a\\d',
      '/a{2}',
      '(?i)/a',
    ]) {
      expect([other, segmentsOfExpression(other)]).toEqual([other, undefined])
    }
    const rest = pathExpression({ source: '', segments: [{ kind: 'rest', name: 'r' }] })
    expect(segmentsOfExpression(`${rest}/a`)).toBeUndefined()
  })
})

describe('what lets requests pass undecided is uncovered:', () => {
  const health = { name: 'health', match: { path: '/healthz' } }
  it.each<[string, Patch, string]>([
    [
      'a route with ext_authz switched off',
      withRoutes({ ...health, ...perRoute({ disabled: true }) }),
      'edge/health: ext_authz is switched off here',
    ],
    [
      'a route with the filter switched off',
      withRoutes({ ...health, ...filterConfig({ disabled: true }) }),
      'edge/health: ext_authz is switched off here',
    ],
    [
      'a weighted cluster with ext_authz switched off',
      withRoutes({
        ...health,
        route: {
          weighted_clusters: {
            clusters: [
              { name: 'upstream', weight: 1 },
              { name: 'upstream', weight: 1, ...perRoute({ disabled: true }) },
            ],
          },
        },
      }),
      'edge/health: ext_authz is switched off here',
    ],
    [
      'a virtual host with ext_authz switched off',
      (config) => Object.assign(hostOf(config), perRoute({ disabled: true })),
      'edge/default: ext_authz is switched off here',
    ],
    [
      'a route that asks another server',
      withRoutes({
        ...health,
        ...perRoute({ check_settings: { grpc_service: { envoy_grpc: { cluster_name: 'x' } } } }),
      }),
      'edge/health: another server decides here',
    ],
    [
      'failure_mode_allow in the words of YAML 1.1',
      (config) => (extAuthz(config)['failure_mode_allow'] = 'On'),
      'edge/*: failure_mode_allow is true',
    ],
    [
      'failure_mode_allow',
      (config) => (extAuthz(config)['failure_mode_allow'] = true),
      'edge/*: failure_mode_allow is true',
    ],
    [
      'shadow_mode',
      (config) => (extAuthz(config)['shadow_mode'] = true),
      'edge/*: shadow_mode is true',
    ],
    [
      'a filter that is only enabled for a share',
      (config) => {
        extAuthz(config)['filter_enabled'] = { default_value: { numerator: 50 } }
        delete extAuthz(config)['deny_at_disable']
      },
      'edge/*: filter_enabled leaves requests out',
    ],
    [
      'a listener without the filter',
      (config) => connectionManager(config).http_filters.shift(),
      'edge/*: the listener has no ext_authz filter',
    ],
    [
      'routes that are not in the file',
      (config) => {
        connectionManager(config)['rds'] = { route_config_name: 'far' }
        delete connectionManager(config)['route_config']
      },
      'edge/*: its route table "far" (RDS) is not here',
    ],
    [
      'routes by scope',
      (config) => {
        connectionManager(config)['scoped_routes'] = {}
        delete connectionManager(config)['route_config']
      },
      'edge/*: its routes (scoped_routes) are not looked at',
    ],
    [
      'virtual hosts on demand',
      (config) => (tableOf(config)['vhds'] = {}),
      'edge/*: its virtual hosts come on demand',
    ],
  ])('%s', (_title, patch, expected) => {
    expect(told(example, patch)).toEqual([expect.stringContaining(expected)])
  })

  it.each<[string, Patch]>([
    [
      'a route that switches it on again below a virtual host that switched it off',
      (config) => {
        Object.assign(hostOf(config), perRoute({ disabled: true }))
        Object.assign(hostOf(config).routes[0] ?? {}, perRoute({ check_settings: {} }))
      },
    ],
    [
      'a share, where the rest is denied',
      (config) => (extAuthz(config)['filter_enabled'] = { default_value: { numerator: 50 } }),
    ],
    [
      'a route that answers by itself',
      withRoutes({
        ...health,
        route: undefined,
        direct_response: { status: 200 },
        ...perRoute({ disabled: true }),
      }),
    ],
    [
      'a route that switches one of two filters off',
      (config) => {
        const { http_filters } = connectionManager(config)
        http_filters.splice(1, 0, { name: 'second', typed_config: { ...extAuthz(config) } })
        withRoutes({ ...health, ...perRoute({ disabled: true }) })(config)
      },
    ],
    [
      'a listener that only redirects',
      (config) => {
        connectionManager(config).http_filters.shift()
        for (const host of tableOf(config).virtual_hosts) {
          host.routes = [{ match: { prefix: '/' }, redirect: { https_redirect: true } }]
        }
      },
    ],
    [
      'a second filter that fails open behind one that does not',
      (config) => {
        const { http_filters } = connectionManager(config)
        const second = { ...extAuthz(config), failure_mode_allow: true }
        http_filters.splice(1, 0, { name: 'second', typed_config: second })
      },
    ],
  ])('but not %s', (_title, patch) => {
    expect(told(example, patch)).toEqual([])
  })

  it('a filter that is off, unless a route puts it on', () => {
    const off: Patch = (config) => {
      Object.assign(connectionManager(config).http_filters[0] ?? {}, { disabled: true })
    }
    // The routes of the second virtual host with context_extensions of their own put it on.
    expect(told(example, off)).toEqual([
      expect.stringContaining('edge/default: ext_authz is off (disabled: true)'),
      expect.stringContaining('edge/envoy-routes-default: ext_authz is off'),
    ])
  })
})

describe('a route of Envoy', () => {
  const decided = (policy: Policy, route: object) => {
    const gateway = gatewayOf(patched(withRoutes({ name: 'r', ...route })))
    const { gateway_routes } = coverageOf(policy, { envoy: [gateway] })
    const found = gateway_routes.find((one) => one.route === 'r')
    return `${found?.decided_by} ${found?.routes?.join(',') ?? '?'}`
  }
  const method = (matcher: object) => ({ headers: [{ name: ':method', ...matcher }] })
  const template = (path_template: string) => ({
    path_match_policy: { name: 'x', typed_config: { path_template } },
  })
  it.each<[string, readonly string[], object, string]>([
    ['with the path of a route', ['GET /a'], { path: '/a' }, 'policy GET./a'],
    ['with a path that a template takes', ['GET /{x}'], { path: '/a' }, 'policy GET./{x}'],
    ['with a path of its own', ['GET /b'], { path: '/a' }, 'none '],
    ['with a path in another case', ['GET /A'], { path: '/a' }, 'none '],
    ['with a path in any case', ['GET /A'], { path: '/a', case_sensitive: false }, 'policy GET./A'],
    [
      'with the method of a route',
      ['GET /a', 'POST /a'],
      { path: '/a', ...method({ string_match: { exact: 'POST' } }) },
      'policy POST./a',
    ],
    [
      'with methods of a route',
      ['GET /a', 'POST /a', 'PUT /a'],
      { path: '/a', ...method({ string_match: { safe_regex: { regex: 'GET|PUT' } } }) },
      'policy GET./a,PUT./a',
    ],
    ['with another method', ['GET /a'], { path: '/a', ...method({ exact_match: 'PUT' }) }, 'none '],
    [
      'with all methods but one',
      ['GET /a'],
      { path: '/a', ...method({ string_match: { exact: 'PUT' }, invert_match: true }) },
      'policy GET./a',
    ],
    [
      'with a prefix, in the middle of a segment too',
      ['GET /api', 'GET /apis/{x}', 'GET /ap', 'GET /{x...}'],
      { prefix: '/api' },
      'default-deny GET./api,GET./apis/{x},GET./{x...}',
    ],
    [
      'with a prefix that ends in a slash',
      ['GET /api', 'GET /api/x', 'GET /api/', 'GET /apis/x'],
      { prefix: '/api/' },
      'default-deny GET./api/,GET./api/x',
    ],
    [
      'with a prefix of whole segments',
      ['GET /api', 'GET /api/x', 'GET /apis/x'],
      { path_separated_prefix: '/api' },
      'default-deny GET./api,GET./api/x',
    ],
    ['with a prefix above nothing', ['GET /b'], { prefix: '/a' }, 'default-deny '],
    ['with a template', ['GET /{x}/b', 'GET /{x}/c'], template('/*/b'), 'policy GET./{x}/b'],
    [
      'with a named template',
      ['GET /a/b', 'GET /a/c'],
      template('/{x}/{y=*}'),
      'policy GET./a/b,GET./a/c',
    ],
    [
      'with a template for any depth',
      ['GET /a/b/c', 'GET /b'],
      template('/a/{x=**}'),
      'default-deny GET./a/b/c',
    ],
    [
      'with a template that policies do not have',
      ['GET /a'],
      template('/a/**.m3u8'),
      'default-deny ?',
    ],
    ['with a regular expression', ['GET /a'], { safe_regex: { regex: '/a.*' } }, 'default-deny ?'],
    ['for CONNECT', ['GET /a'], { connect_matcher: {} }, 'default-deny ?'],
  ])('%s', (_title, routes, match, expected) => {
    expect(decided(policyOf(...routes), { match })).toBe(expected)
  })

  it.each<[string, object, string]>([
    ['with a rule of its own', { access: 'public' }, 'extensions '],
    ['with a rule that cannot be read', { access: 'all' }, 'none '],
    ['with an empty permission', { permission: '' }, 'none '],
  ])('%s', (_title, context_extensions, expected) => {
    const match = { path: '/a' }
    const rule = perRoute({ check_settings: { context_extensions } })
    expect(decided(policyOf('GET /b'), { match, ...rule })).toBe(expected)
  })

  it('with a rule of its own that is wrapped is decided by it', () => {
    const config = { check_settings: { context_extensions: { access: 'public' } } }
    const match = { path: '/a' }
    expect(decided(policyOf('GET /b'), { match, ...filterConfig({ config }) })).toBe('extensions ')
    const off = filterConfig({ config: { disabled: true } })
    expect(decided(policyOf('GET /b'), { match, ...off })).toBe('open ')
  })

  it('with a rule of its own beside one of the policy is decided by both', () => {
    const rule = perRoute({ check_settings: { context_extensions: { access: 'public' } } })
    expect(decided(policyOf('GET /a'), { match: { path: '/a' }, ...rule })).toBe('both GET./a')
  })

  it('has what its virtual host says too, unless it says otherwise', () => {
    const gateway = gatewayOf(
      patched((config) => {
        Object.assign(
          hostOf(config),
          perRoute({ check_settings: { context_extensions: { permission: 'a:b', path: '/{x}' } } }),
        )
        withRoutes({
          name: 'r',
          match: { path: '/a' },
          ...perRoute({ check_settings: { context_extensions: { permission: 'c:d' } } }),
        })(config)
      }),
    )
    expect(Object.fromEntries(gateway.routes[0]?.extensions ?? [])).toEqual({
      permission: 'c:d',
      path: '/{x}',
    })
  })

  it('is there for a route of the policy, or that is dead', () => {
    const only: Patch = (config) => {
      const [first] = tableOf(config).virtual_hosts
      tableOf(config).virtual_hosts = first === undefined ? [] : [first]
      hostOf(config).routes = [{ name: 'r', match: { prefix: '/a' }, ...forward }]
    }
    const envoy = [gatewayOf(patched(only))]
    const { dead } = coverageOf(policyOf('GET /a/x', 'GET /b'), { envoy })
    expect(dead).toEqual([expect.objectContaining({ route: 'GET./b', reason: 'no_gateway_route' })])
  })

  it('is found in a matcher tree too', () => {
    const inTree = {
      '@type': 'type.googleapis.com/envoy.config.route.v3.Route',
      name: 'r',
      match: { path: '/a' },
      ...forward,
      ...perRoute({ disabled: true }),
    }
    const found = told(example, (config) =>
      Object.assign(hostOf(config), {
        routes: [],
        matcher: { on_no_match: { action: { typed_config: inTree } } },
      }),
    )
    expect(found).toEqual([expect.stringContaining('edge/r: ext_authz is switched off')])
  })
})

describe('a source is refused', () => {
  it.each([
    ['that is no Envoy configuration', 'openapi: 3.1.0', 'no static listener'],
    ['with broken syntax', 'a: {', ''],
  ])('%s', (_title, text, message) => {
    expect(readGatewayFile('f', parsePolicyDocument(text))).toEqual({
      faults: [
        expect.objectContaining({ line: 1, message: expect.stringContaining(message) as string }),
      ],
    })
  })

  it('that does not answer, or is no Envoy', async () => {
    await expect(readRunningGateway('http://127.0.0.1:1')).rejects.toMatchObject({
      code: 'SERVER_UNAVAILABLE',
      message: expect.stringContaining('http://127.0.0.1:1: /server_info:') as string,
    })
    const other = await startHttpServer((_request, response) => response.end('{}'))
    onTestFinished(other.close)
    await expect(readRunningGateway(other.url)).rejects.toMatchObject({
      code: 'SERVER_UNAVAILABLE',
    })
  })
})

it('a real Envoy takes the changes that these tests make, and dumps them alike', async () => {
  const patch = withRoutes(
    { name: 'bare', match: { path: '/bare' }, ...perRoute({ disabled: true }) },
    { name: 'wrapped', match: { path: '/wrapped' }, ...filterConfig({ disabled: true }) },
    {
      name: 'weighted',
      match: { path_separated_prefix: '/weighted' },
      route: {
        weighted_clusters: {
          clusters: [{ name: 'upstream', weight: 1, ...perRoute({ disabled: true }) }],
        },
      },
    },
    {
      name: 'ruled',
      match: { safe_regex: { regex: '/ruled' } },
      ...filterConfig({
        config: {
          '@type':
            'type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute',
          check_settings: { context_extensions: { access: 'public' } },
        },
      }),
    },
  )
  const options = { authz: ['127.0.0.1:1'], upstream: '127.0.0.1:1', patch }
  const envoy = await startEnvoy({ envoy: servers().envoy, ...options })
  onTestFinished(envoy.close)
  const running = await readRunningGateway(envoy.adminUrl)
  const file = gatewayOf(await renderEnvoyConfig(options))
  expect(toldAlike(running)).toBe(toldAlike(file))
  const { uncovered } = coverageOf(example, { envoy: [running] })
  expect(uncovered.map((one) => 'route' in one && one.route)).toEqual([
    'bare',
    'wrapped',
    'weighted',
  ])
  // What is called open is open indeed: nobody answers for tenantgate, and nobody for the upstream.
  const statusOf = async (path: string) => {
    const response = await fetch(`${envoy.url}${path}`)
    return `${response.status} ${await response.text()}`
  }
  const [open, closed] = [await statusOf('/bare'), await statusOf('/else')]
  expect(open).toMatch(/^503 upstream connect error/)
  expect(closed).toBe('503 ')
  expect([await statusOf('/wrapped'), await statusOf('/weighted/x')]).toEqual([open, open])
})
