import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import {
  connectionManager,
  ENVOY_YAML,
  type EnvoyConfig,
  extAuthz,
  renderEnvoyConfig,
} from '../../../src/adapters/servers/envoy-config.ts'
import { validateEnvoyConfig } from '../../../src/adapters/servers/envoy.ts'
import { servers } from '../../support/servers.ts'

const IDENTITY_HEADERS = [
  'x-user-id',
  'x-org-id',
  'x-org-role',
  'x-user-role',
  'x-authz-decision-id',
  'x-identity-assertion',
]

const yaml = await readFile(ENVOY_YAML, 'utf8')
const shipped = parse(yaml) as EnvoyConfig
const defaults = {
  listen: '0.0.0.0:10000',
  admin: '127.0.0.1:9901',
  authz: ['127.0.0.1:9191'],
  upstream: '127.0.0.1:8081',
}

const render = async (options: Partial<Parameters<typeof renderEnvoyConfig>[0]>) =>
  parse(await renderEnvoyConfig({ ...defaults, ...options })) as EnvoyConfig

describe('envoy/envoy.yaml', () => {
  it('is accepted by Envoy', () => validateEnvoyConfig(servers().envoy, yaml))

  it('switches ext_authz off nowhere', () => {
    expect(yaml).not.toMatch(/disabled:/)
    expect(extAuthz(shipped)).toMatchObject({
      failure_mode_allow: false,
      status_on_error: { code: 'ServiceUnavailable' },
      deny_at_disable: { default_value: true },
    })
  })

  it('strips exactly the headers that tenantgate may set', () => {
    const [extension] = connectionManager(shipped)['early_header_mutation_extensions'] as [
      { typed_config: { mutations: { remove: string }[] } },
    ]
    const stripped = extension.typed_config.mutations.map(({ remove }) => remove)
    expect(stripped).toEqual(IDENTITY_HEADERS)

    const rules = extAuthz(shipped)['decoder_header_mutation_rules'] as {
      allow_expression: { regex: string }
    }
    const fence = new RegExp(rules.allow_expression.regex)
    for (const header of IDENTITY_HEADERS) expect(header).toMatch(fence)
    for (const header of ['authorization', ':path', 'host', 'x-user-idx', 'x-authz-other']) {
      expect(header).not.toMatch(fence)
    }
  })
})

describe('renderEnvoyConfig', () => {
  it('changes nothing but addresses', async () => {
    expect(await render({})).toEqual(shipped)
    const text = await renderEnvoyConfig({ authz: ['10.0.0.1:1'], upstream: '10.0.0.2:2' })
    for (const port of [10000, 9901, 9191, 8081]) expect(text).not.toContain(`${port}`)
    expect(text).toContain('address: 10.0.0.1')
    expect(text).toContain('address: 10.0.0.2')
  })

  it('lists several workers', async () => {
    const config = await render({ authz: ['127.0.0.1:1', '127.0.0.1:2'] })
    const [authz] = config.static_resources.clusters
    expect(authz?.load_assignment.endpoints[0]?.lb_endpoints).toHaveLength(2)
  })

  it('takes socket files, which Envoy accepts', async () => {
    const text = await renderEnvoyConfig({
      ...defaults,
      authz: ['unix:/tmp/tenantgate.sock', 'unix:/tmp/tenantgate.sock.1'],
    })
    await validateEnvoyConfig(servers().envoy, text)
    expect(text).toContain('path: /tmp/tenantgate.sock.1')
  })

  it('patches what a test asks for', async () => {
    const config = await render({
      failureModeAllow: true,
      healthCheckIntervalMs: 250,
      patch: (c) => (c['node'] = { id: 'patched', cluster: 'x' }),
    })
    expect(extAuthz(config)['failure_mode_allow']).toBe(true)
    expect(config.static_resources.clusters[0]?.health_checks?.[0]?.interval).toBe('0.25s')
    expect(config['node']).toEqual({ id: 'patched', cluster: 'x' })
  })

  it('refuses what is no address', async () => {
    await expect(renderEnvoyConfig({ authz: ['nowhere'], upstream: 'x:1' })).rejects.toThrow(
      'not host:port: nowhere',
    )
  })
})
