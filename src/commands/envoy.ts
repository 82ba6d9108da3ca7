import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { usualCa } from '../adapters/envoy/render-clusters.ts'
import {
  istioParts,
  renderGatewayApi,
  renderIstio,
} from '../adapters/envoy/render-cluster-formats.ts'
import { gatewayFaults, gatewayUpstreamFaults } from '../adapters/envoy/render-gateway-routes.ts'
import { authzService, type ServiceRef } from '../adapters/envoy/render-kubernetes.ts'
import { envoyParts, renderEnvoy } from '../adapters/envoy/render.ts'
import { AppError } from '../domain/errors.ts'
import { parseArguments, type Arguments } from './arguments.ts'
import { readEdge } from './envoy-edge.ts'
import { authzTls, checkAuthz, endpointOf, workerEndpoints } from './envoy-endpoints.ts'
import { exit, UsageError } from './exit.ts'
import { readText } from './files.ts'
import { complain, print } from './output.ts'
import { textDifference } from './text-difference.ts'

const usage = `tenantgate envoy --policy POLICY [--format static|gateway-api|istio]
  [--authz HOST:PORT|unix:PATH]... [--only PART] [--output FILE | --check FILE]
  [--listen HOST:PORT] [--admin HOST:PORT] [--upstream-ca FILE]
  [--authz-ca FILE [--authz-cert FILE --authz-key FILE]] [--gateway NAMESPACE/NAME]
  --authz        a worker of tenantgate; by default those of TENANTGATE_WORKERS and
                 TENANTGATE_GRPC_LISTEN, on 127.0.0.1. In a cluster its Service, by default
                 tenantgate.tenantgate.svc.cluster.local:9191
  --authz-ca     certificates by which workers with TLS are known, and --authz-cert, --authz-key:
                 what Envoy shows to them; files that Envoy can read (static)
  --only         a part, for pasting into a configuration that is there already: routes, filter,
                 cluster, early-mutation; with istio: mesh-config, resources
  --check        exit status 1, with what differs, unless FILE is what would be rendered
  --listen       where clients go, 0.0.0.0:10000 by default (static)
  --admin        Envoy's admin interface, 127.0.0.1:9901 by default (static)
  --upstream-ca  certificates by which https upstreams are known, in a file that Envoy can read;
                 /etc/ssl/certs/ca-certificates.crt by default (static)
  --gateway      with gateway-api NAMESPACE/GATEWAY/LISTENER, by default default/edge/http; with
                 istio NAMESPACE/LABEL, by default istio-system/ingressgateway`

/** The edge configuration that is shipped, and that the end-to-end tests run. */
const templateFile = resolve(import.meta.dirname, '../../envoy/envoy.yaml')

/** Renders Envoy's configuration for a policy, or says whether a file is up to date. */
export function envoy(args: readonly string[]): number {
  const options = parseArguments(args, usage, {
    values: [
      ...['policy', 'listen', 'authz', 'admin', 'upstream-ca', 'only', 'check', 'output'],
      ...['gateway', 'authz-ca', 'authz-cert', 'authz-key'],
    ],
    formats: ['static', 'gateway-api', 'istio'] as const,
  })
  const { one, words } = options
  const [policy, output, check] = [one('policy'), one('output'), one('check')]
  if (policy === undefined || words.length > 0) throw new UsageError(`usage: ${usage}`)
  if (output !== undefined && check !== undefined) {
    throw new UsageError(`--output writes what --check compares: one of the two\n\nusage: ${usage}`)
  }
  const text = render(policy, options)
  if (check !== undefined) return compare(check, text, args)
  if (output === undefined) process.stdout.write(text)
  else write(output, text)
  return exit.holds
}

const staticOnly = ['listen', 'admin', 'upstream-ca', 'authz-ca', 'authz-cert', 'authz-key']

type Options = Arguments<'static' | 'gateway-api' | 'istio'>

function render(policy: string, options: Options): string {
  const template = readText(templateFile)
  const { format, one } = options
  for (const name of format === 'static' ? ['gateway'] : staticOnly) {
    if (one(name) !== undefined)
      throw new UsageError(`--${name} says nothing to --format ${format}`)
  }
  if (format === 'static') return renderStaticOf(policy, template, options)
  const authz = serviceOf(options)
  if (format === 'istio') {
    const only = partOf(one('only'), istioParts)
    const [namespace, gateway] = gatewayOf(one('gateway') ?? 'istio-system/ingressgateway', 2)
    return renderIstio(template, readEdge(policy, { routes: false }), {
      namespace,
      gateway,
      authz,
      only,
    })
  }
  partOf(one('only'), [])
  const [namespace, gateway, listener = ''] = gatewayOf(one('gateway') ?? 'default/edge/http', 3)
  const edge = readEdge(policy, {
    routes: true,
    alsoFaults: ({ hosts, upstreams }) => [
      ...gatewayUpstreamFaults(upstreams),
      ...gatewayFaults(hosts),
    ],
  })
  return renderGatewayApi(template, edge, { namespace, gateway, listener, authz })
}

function renderStaticOf(policy: string, template: string, { all, one }: Options): string {
  const only = partOf(one('only'), envoyParts)
  const authz = all('authz').map((text) => endpointOf('--authz', text))
  const settings = {
    listen: endpointOf('--listen', one('listen') ?? '0.0.0.0:10000'),
    admin: endpointOf('--admin', one('admin') ?? '127.0.0.1:9901'),
    authz: authz.length > 0 ? authz : workerEndpoints(process.env),
    authzTls: authzTls(one, process.env),
    upstreamCa: one('upstream-ca') ?? usualCa,
    only,
  }
  checkAuthz(settings.authz)
  const edge = readEdge(policy, { routes: only === undefined || only === 'routes' })
  return renderEnvoy(template, edge, settings)
}

/** The Service by which tenantgate is reached in a cluster. */
function serviceOf({ all }: Options): ServiceRef {
  const stated = all('authz')
  const places = stated.length > 0 ? stated : ['tenantgate.tenantgate.svc.cluster.local:9191']
  const service = authzService(places.map((text) => endpointOf('--authz', text)))
  if (service !== undefined) return service
  throw new UsageError(
    '--authz is one Service here: tenantgate.NAMESPACE.svc.cluster.local:9191. Its workers are its endpoints',
  )
}

function gatewayOf(text: string, parts: number): [string, string, ...string[]] {
  const [namespace, name, ...others] = text.split('/')
  const right = /^[a-z0-9.-]+(\/[a-z0-9.-]+)+$/.test(text) && others.length === parts - 2
  if (right && namespace !== undefined && name !== undefined) return [namespace, name, ...others]
  throw new UsageError(
    `--gateway does not have ${parts} names with / between: "${text}"\n\nusage: ${usage}`,
  )
}

function partOf<T extends string>(name: string | undefined, parts: readonly T[]): T | undefined {
  if (name === undefined) return undefined
  const part = parts.find((one) => one === name)
  if (part !== undefined) return part
  const known = parts.length === 0 ? 'is not to be had with this format' : `is ${parts.join(', ')}`
  throw new UsageError(`--only ${known}, not "${name}"\n\nusage: ${usage}`)
}

function compare(file: string, wanted: string, args: readonly string[]): number {
  const difference = textDifference(readText(file), wanted)
  if (difference === undefined) {
    print(`${file}: up to date`)
    return exit.holds
  }
  const again = args.map((arg) =>
    arg.startsWith('--check') ? arg.replace('--check', '--output') : arg,
  )
  print(`${file}: not what the policy comes to, at ${difference}`)
  print(`mend: tenantgate envoy ${again.map(quoted).join(' ')}`)
  return exit.findings
}

/** As a shell takes it. */
function quoted(arg: string): string {
  return /^[\w@%+=:,./-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", "'\\''")}'`
}

function write(file: string, text: string): void {
  try {
    writeFileSync(file, text)
  } catch (cause) {
    throw new AppError('CONFIG_INVALID', `cannot write ${file}: ${(cause as Error).message}`, {
      cause,
    })
  }
  complain(`wrote ${file}`)
}
