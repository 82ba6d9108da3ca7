import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import type { EnvoyConfig } from '../../src/adapters/servers/envoy-config.ts'
import { tenantgate } from '../support/command-line.ts'

const folder = mkdtempSync(join(tmpdir(), 'tenantgate-envoy-'))
afterAll(() => rmSync(folder, { recursive: true }))
const file = (name: string, text: string): string => {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

const example = 'examples/edge/policy.yaml'
const render = (...args: string[]) => tenantgate(['envoy', '--policy', example, ...args])

/** The addresses of tenantgate's workers. */
function authzOf(yaml: string): readonly unknown[] {
  const { clusters } = (parse(yaml) as EnvoyConfig).static_resources
  return (clusters[0]?.load_assignment.endpoints[0]?.lb_endpoints ?? []).map(
    ({ endpoint }) => Object.values(endpoint.address)[0] as unknown,
  )
}
const at = (address: string, port_value: number) => ({ address, port_value })

describe('tenantgate envoy', () => {
  it('renders the example that is shipped with it', async () => {
    const { status, stdout, stderr } = await render()
    expect([status, stderr]).toEqual([0, ''])
    expect(stdout).toBe(readFileSync('examples/edge/envoy.yaml', 'utf8'))
    expect(stdout).toMatch(/^# Rendered by tenantgate envoy from the policy sha256:[0-9a-f]{16}\./)
  })

  it('says that a file is up to date, and where a hand has changed it', async () => {
    const { stdout: rendered } = await render()
    const path = file('edge.yaml', rendered)
    expect(await render('--check', path)).toMatchObject({
      status: 0,
      stdout: `${path}: up to date\n`,
    })

    const line =
      rendered.split('\n').findIndex((one) => one.includes('upstream-reports, timeout')) + 1
    writeFileSync(path, rendered.replace('upstream-reports, timeout', 'upstream-leave, timeout'))
    const { status, stdout } = await render('--check', path)
    expect(status).toBe(1)
    expect(stdout.split('\n').map((one) => one.trim())).toEqual([
      `${path}: not what the policy comes to, at line ${line}:`,
      expect.stringMatching(/^- +route: \{ cluster: upstream-leave, timeout: 30s \}/),
      expect.stringMatching(/^\+ +route: \{ cluster: upstream-reports, timeout: 30s \}/),
      `mend: tenantgate envoy --policy ${example} --output ${path}`,
      '',
    ])
    // What it says mends it.
    expect((await render('--output', path)).status).toBe(0)
    expect(readFileSync(path, 'utf8')).toBe(rendered)
  })

  it.each([
    ['a line more', (text: string) => `${text}# mine\n`],
    ['a line less', (text: string) => text.split('\n').slice(0, -2).join('\n')],
    ['nothing', () => ''],
  ])('notices %s', async (_name, change) => {
    const path = file('changed.yaml', change((await render()).stdout))
    expect((await render('--check', path)).status).toBe(1)
  })

  it('names one endpoint a worker', async () => {
    const of = async (env: Record<string, string>, ...args: string[]) =>
      authzOf((await tenantgate(['envoy', '--policy', example, ...args], env)).stdout)
    expect(await of({})).toEqual([at('127.0.0.1', 9191)])
    expect(await of({ TENANTGATE_WORKERS: '3', TENANTGATE_GRPC_LISTEN: '0.0.0.0:7000' })).toEqual([
      ...[at('127.0.0.1', 7000), at('127.0.0.1', 7001), at('127.0.0.1', 7002)],
    ])
    expect(await of({ TENANTGATE_GRPC_LISTEN: '10.0.0.5:7000' })).toEqual([at('10.0.0.5', 7000)])
    const sockets = { TENANTGATE_WORKERS: '2', TENANTGATE_GRPC_LISTEN: 'unix:/run/gate.sock' }
    expect(await of(sockets)).toEqual(
      [{ path: '/run/gate.sock' }, { path: '/run/gate.sock.1' }].map(({ path }) => ({ path })),
    )
    expect(await of(sockets, '--authz', 'gate-0:1', '--authz', '[::1]:2')).toEqual([
      ...[at('gate-0', 1), at('::1', 2)],
    ])
  })

  it('says every reason at once why a policy cannot be rendered, with its line', async () => {
    const path = file(
      'faulty.yaml',
      [
        'version: 1',
        'upstreams:',
        '  a: http://a:99999',
        '  b: http://b',
        '  c: http://me:hunter2@c',
        'routes:',
        '  - { name: z, match: GET /z, access: public }',
        '  - { name: y, match: GET /y, access: public, upstream: b }',
        '  - { name: x, match: GET /x, access: public }',
      ].join('\n'),
    )
    const { status, stdout, stderr } = await tenantgate(['envoy', '--policy', path])
    expect([status, stdout]).toEqual([2, ''])
    expect(stderr.trimEnd().split('\n')).toEqual([
      'the policy cannot be rendered:',
      expect.stringMatching(/faulty\.yaml:3:6: upstreams\.a: "http:\/\/a:99999" is no address/),
      expect.stringMatching(/faulty\.yaml:5:6: upstreams\.c: .*without user and password/),
      expect.stringMatching(/faulty\.yaml:7:5: routes\[0\]: the route has no upstream/),
      expect.stringMatching(/faulty\.yaml:9:5: routes\[2\]: the route has no upstream/),
    ])
    expect(stderr).not.toContain('hunter2')
  })

  it('says what Envoy Gateway cannot be told, upstreams that it would believe any certificate', async () => {
    const path = file(
      'address.yaml',
      [
        'version: 1',
        'upstreams: { plain: http://10.0.0.1, four: https://10.0.0.1, six: "https://[::1]" }',
        'routes:',
        '  - { name: a, match: GET /a|b, access: public, upstream: four }',
      ].join('\n'),
    )
    const args = ['envoy', '--policy', path]
    expect((await tenantgate(args)).status).toBe(0)
    const { status, stderr } = await tenantgate([...args, '--format', 'gateway-api'])
    expect([
      status,
      stderr.match(/upstreams\.(four|six): a Backend checks no certificate/g),
    ]).toEqual([2, [expect.any(String), expect.any(String)]])
    expect(stderr).toContain('routes[0]: an HTTPRoute takes no path /a|b')
    expect(stderr).not.toContain('plain')
  })

  it.each(['filter', 'cluster', 'early-mutation'])(
    'renders the part %s for a policy without upstreams',
    async (part) => {
      const args = ['envoy', '--policy', 'examples/policy.yaml', '--only', part]
      const { status, stdout } = await tenantgate(args)
      expect(status).toBe(0)
      expect(parse(stdout)).toBeTruthy()
      expect((await tenantgate([...args.slice(0, 3), '--only', 'routes'])).status).toBe(2)
    },
  )

  it('renders resources of Envoy Gateway and Istio, and checks them too', async () => {
    for (const [format, kinds] of [
      ['gateway-api', ['HTTPRoute', 'SecurityPolicy', 'ClientTrafficPolicy', 'EnvoyPatchPolicy']],
      ['istio', ['AuthorizationPolicy', 'EnvoyFilter']],
    ] as const) {
      const { status, stdout } = await render('--format', format)
      expect(status).toBe(0)
      const found = parseAllDocuments(stdout).map((one) => (one.toJS() as { kind?: string }).kind)
      for (const kind of kinds) expect(found).toContain(kind)
      const path = file(`${format}.yaml`, stdout)
      expect((await render('--format', format, '--check', path)).status).toBe(0)
      writeFileSync(path, stdout.replace('tenantgate', 'other'))
      expect((await render('--format', format, '--check', path)).status).toBe(1)
    }
    const there = await render(
      '--format',
      'istio',
      '--gateway',
      'ingress/public',
      '--authz',
      'gate.ns.svc:1',
    )
    expect(there.stdout).toContain('{ istio: public }')
    expect(there.stdout).toContain('service: gate.ns.svc.cluster.local')
  })

  it.each([
    ['no policy', []],
    ['a word too many', ['--policy', example, 'more']],
    ['a policy that is not there', ['--policy', 'nowhere.yaml']],
    ['an unknown part', ['--policy', example, '--only', 'all']],
    ['an unknown format', ['--policy', example, '--format', 'helm']],
    ['no address', ['--policy', example, '--listen', 'nowhere']],
    ['a port that is none', ['--policy', example, '--authz', 'gate:65536']],
    ['port 0 of a worker', ['--policy', example, '--authz', 'gate:0']],
    ['hosts and sockets', ['--policy', example, '--authz', 'gate:1', '--authz', 'unix:/x']],
    ['an output and a check', ['--policy', example, '--output', 'x', '--check', 'x']],
    ['a check of no file', ['--policy', example, '--check', 'nowhere.yaml']],
    ['a folder that is not there', ['--policy', example, '--output', 'nowhere/x.yaml']],
    ['a listener in a cluster', ['--policy', example, '--format', 'istio', '--listen', 'a:1']],
    ['a certificate by half', ['--policy', example, '--authz-ca', 'a', '--authz-key', 'k']],
    ['a certificate for none', ['--policy', example, '--authz-cert', 'a', '--authz-key', 'k']],
    ['a gateway of none', ['--policy', example, '--gateway', 'a/b']],
    ['a gateway by half', ['--policy', example, '--format', 'gateway-api', '--gateway', 'a/b']],
    [
      'several Services',
      ['--policy', example, '--format', 'istio', '--authz', 'a:1', '--authz', 'b:1'],
    ],
    ['a Service that is none', ['--policy', example, '--format', 'istio', '--authz', '10.0.0.1:1']],
  ])('%s is wrong usage: exit 2, said on standard error', async (_name, args) => {
    const { status, stdout, stderr } = await tenantgate(['envoy', ...args])
    expect([status, stdout]).toEqual([2, ''])
    expect(stderr).not.toBe('')
  })

  it('does not speak plain text to workers that speak TLS', async () => {
    const args = ['envoy', '--policy', example]
    const env = { TENANTGATE_GRPC_TLS_CERT: '/run/tls.crt' }
    const { status, stderr } = await tenantgate(args, env)
    expect([status, stderr]).toEqual([2, expect.stringContaining('--authz-ca')])
    const { stdout } = await tenantgate([...args, '--authz-ca', '/run/ca.crt'], env)
    expect(stdout).toContain('trusted_ca: { filename: /run/ca.crt }')
  })

  it.each(['0', 'x', '1.5'])('%s workers are none', async (workers) => {
    const args = ['envoy', '--policy', example]
    const { status, stderr } = await tenantgate(args, { TENANTGATE_WORKERS: workers })
    expect([status, stderr]).toEqual([2, expect.stringContaining('TENANTGATE_WORKERS')])
  })
})
