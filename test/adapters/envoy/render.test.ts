import { describe, expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import {
  connectionManager,
  extAuthz,
  type EnvoyConfig,
} from '../../../src/adapters/servers/envoy-config.ts'
import { validateEnvoyConfig } from '../../../src/adapters/servers/envoy.ts'
import { policyFrom } from '../../support/builders.ts'
import { randomWorld } from '../../support/random-policies.ts'
import { renderPolicy, shippedEnvoy } from '../../support/render-edge.ts'
import { servers } from '../../support/servers.ts'

const validate = (yaml: string): Promise<void> => validateEnvoyConfig(servers().envoy, yaml)
const read = (yaml: string): EnvoyConfig => parse(yaml) as EnvoyConfig

const routes = [
  { name: 'a', match: 'GET|HEAD /o/{id}/leave', access: 'public' },
  { name: 'b', match: 'POST /o/{id}/leave', access: 'public', hosts: ['a.example.com'] },
]
const policyText = (more: object): string =>
  stringify({
    ...{ version: 1, upstreams: { one: 'http://one:80' }, defaultUpstream: 'one', routes },
    ...more,
  })

describe('a rendered configuration', () => {
  it('is the shipped one but for routes, upstreams and addresses', () => {
    const policy = policyFrom(policyText({ routes: [] }))
    const [rendered, shipped] = [read(renderPolicy(policy)), read(shippedEnvoy)]
    const fence = extAuthz(rendered)['decoder_header_mutation_rules'] as {
      allow_expression: { regex: string }
    }
    const headers = 'x-user-id|x-org-id|x-org-role|x-user-role|x-authz-decision-id'
    expect(fence.allow_expression.regex).toBe(`^(${headers}|x-identity-assertion)$`)
    for (const config of [rendered, shipped]) {
      connectionManager(config)['route_config'] = 'its own'
      config.static_resources.clusters.splice(1)
      config.admin.address = { pipe: { path: '' } }
      config.static_resources.listeners.forEach((one) => (one.address = { pipe: { path: '' } }))
      extAuthz(config)['decoder_header_mutation_rules'] = 'told above'
    }
    expect(rendered).toEqual(shipped)
  })

  it('removes and fences exactly the headers that the policy names', () => {
    const headers = { userId: 'x-acme-user', userRole: 'x_acme_role' }
    const config = read(renderPolicy(policyFrom(policyText({ headers }))))
    const names = ['x-acme-user', 'x-org-id', 'x-org-role', 'x_acme_role']
    const all = [...names, 'x-authz-decision-id', 'x-identity-assertion']
    const [early] = connectionManager(config)['early_header_mutation_extensions'] as [
      { typed_config: { mutations: object[] } },
    ]
    expect(early.typed_config.mutations).toEqual(all.map((remove) => ({ remove })))
    expect(extAuthz(config)['decoder_header_mutation_rules']).toEqual({
      disallow_all: true,
      allow_expression: { regex: `^(${all.join('|')})$` },
      disallow_is_error: true,
    })
  })

  it('is the same for the same policy, however its file is ordered', () => {
    const upstreams = { one: 'http://one:80', two: 'http://two:80' }
    const turned = { two: 'http://two:80', one: 'http://one:80' }
    const [left, right] = [policyText({ upstreams }), policyText({ upstreams: turned })]
    const reversed = parse(right) as { routes: object[] }
    reversed.routes.reverse()
    expect(renderPolicy(policyFrom(stringify(reversed)))).toBe(renderPolicy(policyFrom(left)))
  })

  it.each([21, 22, 23, 24])('is accepted by Envoy: random policy, seed %i', async (seed) => {
    const policy = randomWorld(seed).policy(80, 'http://up.example.com:8080', {
      hosts: seed % 2 === 0,
    })
    await validate(renderPolicy(policy))
  })

  it('is accepted by Envoy with names that YAML 1.1 reads as something else', async () => {
    const names = [
      'on',
      'y',
      'NO',
      'null',
      '~',
      '1e3',
      '0x1f',
      '010',
      '1_000',
      '#x',
      "'",
      '{a}',
      '-',
    ]
    const policy = policyFrom(
      stringify({
        version: 1,
        headers: { userId: 'y', userRole: '1' },
        upstreams: Object.fromEntries(names.map((name) => [name, 'http://up:80'])),
        routes: names.map((name, at) => ({
          ...{ name, match: `GET /${at}/{id}`, access: 'public', upstream: name },
        })),
      }),
    )
    const yaml = renderPolicy(policy)
    await validate(yaml)
    const clusters = read(yaml).static_resources.clusters.map(({ name }) => name)
    expect(clusters).toEqual(['authz', ...names.map((name) => `upstream-${name}`).sort()])
  })

  it('raises the limit on expressions where a path needs it, and nowhere else', async () => {
    const long = ['organizations', 'departments', 'members', 'reviews', 'comments', 'answers']
    const path = long.map((name, at) => `${name}/{p${at}:text}`).join('/')
    const yaml = renderPolicy(
      policyFrom(
        policyText({ routes: [{ name: 'long', match: `GET /${path}`, access: 'public' }] }),
      ),
    )
    await validate(yaml)
    expect(read(yaml)).toHaveProperty('layered_runtime')
    expect(read(renderPolicy(policyFrom(policyText({}))))).not.toHaveProperty('layered_runtime')
    const config = read(yaml)
    delete config['layered_runtime']
    await expect(validate(stringify(config))).rejects.toThrow('max program size')
  })

  // One literal character more each time: the estimate may not fall short of what Envoy counts.
  it.each(['{p}', '{p:text}', '{p}/{q}/{r}', '{p}/{q:text}', '{p...}'])(
    'knows when the limit is near: %s',
    async (parameters) => {
      const paths = Array.from(
        { length: 90 },
        (_, length) => `/${'x'.repeat(length + 1)}/${parameters}`,
      )
      const all = paths.map((path, at) => ({
        name: `r${at}`,
        match: `GET ${path}`,
        access: 'public',
      }))
      const short = all.filter((route) => {
        const yaml = renderPolicy(policyFrom(policyText({ routes: [route] })))
        return !yaml.includes('layered_runtime')
      })
      expect(short.length).toBeGreaterThan(20)
      await validate(renderPolicy(policyFrom(policyText({ routes: short }))))
    },
  )

  it('takes socket files and IPv6 addresses', async () => {
    const policy = policyFrom(policyText({ upstreams: { one: 'https://[::1]:8443' } }))
    await validate(renderPolicy(policy, { authz: ['[::1]:9191'] }))
    const sockets = renderPolicy(policy, { authz: ['unix:/run/gate', 'unix:/run/gate.1'] })
    await validate(sockets)
    // A cluster that resolves names passes the validation, and then takes no socket files.
    expect(read(sockets).static_resources.clusters[0]?.type).toBe('STATIC')
  })
})

describe('parts, pasted into another configuration', () => {
  const policy = policyFrom(policyText({ headers: { userId: 'x-acme-user' } }))
  it('make it what is rendered as a whole', async () => {
    const config = read(shippedEnvoy)
    const manager = connectionManager(config)
    Object.assign(manager, parse(renderPolicy(policy, { only: 'routes' })))
    Object.assign(manager, parse(renderPolicy(policy, { only: 'early-mutation' })))
    const filters = parse(renderPolicy(policy, { only: 'filter' })) as typeof manager.http_filters
    manager.http_filters = [...filters, ...manager.http_filters.slice(1)]
    config.static_resources.clusters = parse(
      renderPolicy(policy, { only: 'cluster' }),
    ) as typeof config.static_resources.clusters
    await validate(stringify(config))
    const whole = read(renderPolicy(policy))
    config.admin = whole.admin
    config.static_resources.listeners.forEach((one) => (one.address = { pipe: { path: '' } }))
    whole.static_resources.listeners.forEach((one) => (one.address = { pipe: { path: '' } }))
    expect(config).toEqual(whole)
  })
})
