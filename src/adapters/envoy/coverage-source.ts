import type { LocatedFault } from '../../application/load-policy.ts'
import type { Gateway } from '../../domain/coverage-gateway.ts'
import { AppError } from '../../domain/errors.ts'
import type { PolicyDocument } from '../../ports/policy-document.ts'
import { gatewayOf } from './coverage-routes.ts'
import { at, list, object, parseDump, readDump, text, typedIn } from './doctor-dump.ts'

/** Reads the routes of a running Envoy; throws `SERVER_UNAVAILABLE` where it does not answer. */
export async function readRunningGateway(adminUrl: string): Promise<Gateway> {
  try {
    return gatewayOf(adminUrl, await readDump(adminUrl))
  } catch (cause) {
    const message = `${adminUrl}: ${(cause as Error).message}`
    throw new AppError('SERVER_UNAVAILABLE', message, { cause })
  }
}

/**
 * Reads the routes of a file: a bootstrap configuration with static listeners, or a saved answer of
 * `/config_dump`.
 */
export function readGatewayFile(
  source: string,
  document: PolicyDocument,
): Gateway | { readonly faults: readonly LocatedFault[] } {
  const { faults } = document
  const value = asInDump(document.value)
  if (faults.length > 0) return { faults: faults.map((fault) => ({ ...fault, path: '' })) }
  if (at(value, 'configs') !== undefined) return gatewayOf(source, parseDump(value, {}))
  const resources = object(at(value, 'static_resources'))
  const managers = list(resources['listeners']).flatMap((listener) =>
    typedIn(listener, 'HttpConnectionManager').map((config) => ({
      listener: text(at(listener, 'name')) ?? 'a listener without a name',
      config,
    })),
  )
  if (managers.length > 0) return gatewayOf(source, { managers, routeConfigs: [] })
  const message =
    'no static listener with an HTTP connection manager: this is no Envoy configuration, or its listeners come by LDS (then name the admin interface)'
  return { faults: [{ line: 1, column: 1, path: '', message }] }
}

/** Maps whose keys are names that somebody gave. */
const named = ['typed_per_filter_config', 'context_extensions']
/** Settings that are looked at and are flags. */
const flags = [
  ...['disabled', 'failure_mode_allow', 'shadow_mode', 'default_value'],
  ...['case_sensitive', 'ignore_case', 'invert_match'],
]

/**
 * A file in the spelling of Envoy's own dumps: Envoy also reads `typedConfig` for `typed_config`
 * (protobuf's JSON), and takes `yes` and `on` for true (YAML 1.1).
 */
function asInDump(value: unknown, keep = false): unknown {
  if (Array.isArray(value)) return value.map((one: unknown) => asInDump(one))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, one]: [string, unknown]) => {
      const name = keep ? key : key.replaceAll(/(?<=[a-z0-9])[A-Z]/g, (c) => `_${c.toLowerCase()}`)
      if (!keep && flags.includes(name) && typeof one === 'string') {
        return [name, /^(?:y|yes|on|true)$/i.test(one)]
      }
      return [name, asInDump(one, named.includes(name))]
    }),
  )
}
