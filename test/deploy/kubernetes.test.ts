import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { loadPolicy } from '../../src/commands/files.ts'
import { readConfig } from '../../src/config.ts'
import { parseDuration } from '../../src/config-values.ts'
import { kubernetesSchemas, type Manifest, type Validate } from '../support/kubernetes-schemas.ts'

const folder = 'deploy/kubernetes'
const read = (file: string) => readFileSync(join(folder, file), 'utf8')

interface Kustomization {
  readonly resources?: readonly string[]
  readonly components?: readonly string[]
  readonly patches?: readonly { readonly path: string }[]
  readonly configMapGenerator?: readonly {
    readonly envs?: readonly string[]
    readonly files?: readonly string[]
  }[]
}
const places = ['base', 'components/monitoring', 'overlays/example']

/** The files of a folder that its kustomization names, those of other folders aside. */
function namedFiles(place: string): readonly string[] {
  const kustomization = parse(read(`${place}/kustomization.yaml`)) as Kustomization
  return [
    ...(kustomization.resources ?? []),
    ...(kustomization.patches ?? []).map(({ path }) => path),
    ...(kustomization.configMapGenerator ?? []).flatMap(({ envs = [], files = [] }) => [
      ...envs,
      ...files,
    ]),
  ].filter((name) => !name.startsWith('../'))
}

const base = new Map(
  namedFiles('base')
    .filter((name) => name.endsWith('.yaml') && name !== 'policy.yaml')
    .map((name) => [name, parse(read(`base/${name}`)) as Manifest & Record<string, unknown>]),
)
const overlaid = parse(read('overlays/example/network-policy.yaml')) as Manifest
const settings = (place: string) =>
  Object.fromEntries(
    read(`${place}/settings.env`)
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  )

interface Deployment extends Manifest {
  readonly spec: {
    readonly selector: { readonly matchLabels: object }
    readonly template: {
      readonly metadata: { readonly labels: object }
      readonly spec: {
        readonly terminationGracePeriodSeconds: number
        readonly containers: readonly {
          readonly ports: readonly { readonly name: string; readonly containerPort: number }[]
        }[]
      }
    }
  }
}
const deployment = base.get('deployment.yaml') as unknown as Deployment
const { spec: pod, metadata } = deployment.spec.template

it.each(places)('the kustomization of %s names the files beside it', (place) => {
  const there = readdirSync(join(folder, place)).filter((name) => name !== 'kustomization.yaml')
  expect([...namedFiles(place)].sort()).toEqual(there.sort())
})

describe('the API of Kubernetes', () => {
  let validatorOf: (release: string) => Validate
  beforeAll(async () => {
    validatorOf = await kubernetesSchemas()
  }, 120_000)

  // The oldest that knows all fields, and the newest there is a schema of.
  it.each(['1.27', '1.31', '1.37'])('of release %s takes every resource', (release) => {
    const validate = validatorOf(release)
    const faults = [...base.values(), overlaid].map((one) => [one.kind, validate(one)])
    expect(faults).toEqual([...base.values(), overlaid].map((one) => [one.kind, []]))
    const { spec } = deployment
    expect(validate({ ...deployment, spec: { ...spec, strategie: {} } } as Manifest)).not.toEqual(
      [],
    )
  })
})

describe('what has to fit together', () => {
  it('every selector finds the pods', () => {
    const { labels } = metadata
    for (const [name, resource] of base) {
      const { spec } = resource as {
        spec?: { selector?: { matchLabels?: object }; podSelector?: { matchLabels?: object } }
      }
      const selector =
        spec?.podSelector?.matchLabels ?? spec?.selector?.matchLabels ?? spec?.selector
      if (selector !== undefined) expect([name, labels]).toEqual([name, selector])
    }
  })

  it('the headless Service is what the rendered gateway configuration asks', () => {
    expect(base.get('service.yaml')).toMatchObject({
      metadata: { name: 'tenantgate' },
      spec: { clusterIP: 'None', ports: [{ port: 9191, targetPort: 'grpc' }] },
    })
    expect(base.get('namespace.yaml')?.metadata.name).toBe('tenantgate')
    expect(pod.containers[0]?.ports).toEqual([
      { name: 'grpc', containerPort: 9191 },
      { name: 'http', containerPort: 9180 },
    ])
  })

  it.each(['base', 'overlays/example'])('serve takes the settings of %s', (place) => {
    const secret = 'a secret of the tests with more than 32 characters'
    const env = {
      ...settings('base'),
      ...settings(place),
      DATABASE_URL: 'postgres://tenantgate@postgres/app',
      REDIS_URL: 'redis://redis',
      NATS_URL: 'nats://nats',
      TENANTGATE_CACHE_KEY: secret,
      TENANTGATE_ASSERTION_SECRET: secret,
    }
    const reading = readConfig(env)
    expect(reading).not.toHaveProperty('faults')
    if ('faults' in reading) return
    expect(reading.config.grpcListen).toBe('0.0.0.0:9191')
    expect(reading.config.httpListen).toEqual({ host: '0.0.0.0', port: 9180 })
    expect(loadPolicy(read(`${place}/policy.yaml`))).not.toHaveProperty('faults')
  })

  it('nothing is allowed, not even to nobody, until an overlay brings a policy', () => {
    const loaded = loadPolicy(read('base/policy.yaml'))
    expect('policy' in loaded && loaded.policy.definition.routes).toEqual([])
  })

  it('a pod has the time to drain before it is killed', () => {
    const drainMs = parseDuration(settings('base')['TENANTGATE_DRAIN'] ?? '') ?? 0
    // CoreDNS lets answers live for 5 s; a gateway's health checks take 4.5 s (envoy/envoy.yaml).
    expect(drainMs).toBeGreaterThanOrEqual(10_000)
    expect(pod.terminationGracePeriodSeconds * 1_000).toBeGreaterThanOrEqual(drainMs + 10_000)
  })
})
