import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import { canonicalHost } from '../../../src/domain/host.ts'
import { readPath } from '../../../src/domain/path.ts'
import type { Policy } from '../../../src/domain/policy.ts'
import { startUpstream, type Upstream } from '../../../src/demo/upstream.ts'
import { connectionManager, type EnvoyConfig } from '../../../src/adapters/servers/envoy-config.ts'
import { type Check, startFakeAuthz } from '../servers/fake-authz.ts'
import { randomWorld, type RandomRequest } from '../../support/random-policies.ts'
import { rawRequest } from '../../support/raw-http.ts'
import { renderPolicy } from '../../support/render-edge.ts'
import { startRenderedEnvoy, type RenderedEnvoy } from '../../support/rendered-envoy.ts'

interface RouteConfig {
  readonly virtual_hosts: readonly { readonly routes: Record<string, unknown>[] }[]
}

/** Makes each route tell the upstream which one it is. */
function withNames(yaml: string): string {
  const config = parse(yaml) as EnvoyConfig
  const table = connectionManager(config)['route_config'] as RouteConfig
  for (const route of table.virtual_hosts.flatMap(({ routes }) => routes)) {
    const header = { key: 'x-picked', value: route['name'] }
    route['request_headers_to_add'] = [{ header }]
  }
  return stringify(config)
}

let upstream: Upstream
let authz: Awaited<ReturnType<typeof startFakeAuthz>>
const checks: Check[] = []
beforeAll(async () => {
  upstream = await startUpstream()
  authz = await startFakeAuthz((check) => {
    checks.push(check)
    return { status: { code: 0 }, okResponse: {} }
  })
})
afterAll(async () => {
  authz.close()
  await upstream.close()
})

/** What a request came to: each carries a number in its query. */
interface Outcome {
  readonly request: RandomRequest
  readonly status: number
  /** Undefined: tenantgate was not asked. */
  readonly sent: { readonly path: string; readonly host: string } | undefined
  /** The route that Envoy took; undefined: no upstream was reached. */
  readonly picked: string | undefined
  /** The route that tenantgate decides by, of what it was sent. */
  readonly decided: string | undefined
}

function decidedBy(policy: Policy, method: string, sent: Outcome['sent']): string | undefined {
  if (sent === undefined) return undefined
  const reading = readPath(sent.path)
  if (!('segments' in reading)) return undefined
  return policy.routes.match(method, sent.host, reading.path, reading.path.length)?.name
}

async function ask(envoy: RenderedEnvoy, policy: Policy, request: RandomRequest, id: number) {
  const mark = `n=${id}!`
  const path = `${request.path}${request.path.includes('?') ? '&' : '?'}${mark}`
  const { status } = await rawRequest(envoy.url, { ...request, path })
  const http = checks.find((check) => check.attributes.request.http.path.includes(mark))?.attributes
    .request.http
  // An empty host is left out of the message.
  const sent = http && { path: http.path, host: (http.host as string | undefined) ?? '' }
  const received = upstream.requests().find((one) => one.path.includes(mark))
  const picked = received?.headers['x-picked'] as string | undefined
  return { request, status, sent, picked, decided: decidedBy(policy, request.method, sent) }
}

/** Hosts whose port or dot Envoy does not take off: they are refused, whatever rule seems theirs. */
const hasTwoReadings = ({ sent }: Outcome): boolean =>
  sent !== undefined && sent.host.toLowerCase() !== canonicalHost(sent.host)

/** An encoding that tenantgate cannot read: ambiguous_path, whatever route Envoy takes. */
const isRefusedEncoding = ({ decided, sent }: Outcome): boolean =>
  decided === undefined && sent?.path.includes('%') === true

const together = 12

describe("Envoy's route and tenantgate's are the same", () => {
  it.each([1, 2, 3])('for random requests and policies, seed %i', async (seed) => {
    const world = randomWorld(seed)
    const policy = world.policy(120, upstream.url)
    const yaml = withNames(renderPolicy(policy, { authz: [authz.address] }))
    const envoy = await startRenderedEnvoy(yaml)
    const outcomes: Outcome[] = []
    try {
      while (outcomes.length < 400) {
        checks.length = 0
        upstream.clear()
        const requests = Array.from({ length: together }, () => world.request(policy))
        outcomes.push(
          ...(await Promise.all(requests.map((one, at) => ask(envoy, policy, one, at)))),
        )
      }
    } finally {
      await envoy.close()
    }
    for (const outcome of outcomes) {
      const { decided, picked, status } = outcome
      const told = JSON.stringify(outcome)
      if (picked !== undefined && !isRefusedEncoding(outcome)) expect(decided, told).toBe(picked)
      if (picked === undefined && decided !== undefined) {
        expect([hasTwoReadings(outcome), status], told).toEqual([true, 403])
      }
    }
    // The comparison is worth something only where each case comes about often.
    const count = (is: (one: Outcome) => boolean): number => outcomes.filter(is).length
    expect(count(({ picked }) => picked !== undefined)).toBeGreaterThan(60)
    expect(count(({ picked, sent }) => picked === undefined && sent !== undefined)).toBeGreaterThan(
      60,
    )
    expect(count(hasTwoReadings)).toBeGreaterThan(10)
  })
})
