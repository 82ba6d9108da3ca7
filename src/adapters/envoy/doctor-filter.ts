import { error, listed, ok, warn, type Finding } from '../../domain/finding.ts'
import {
  at,
  isTyped,
  list,
  object,
  text,
  type ConfigObject,
  type ConnectionManager,
} from './doctor-dump.ts'
import { matchesAny, matchesRegex } from './doctor-matcher.ts'

/** An ext_authz filter, and where it stands. */
export interface AuthzFilter {
  readonly listener: string
  readonly name: string
  /** Begins only where a route enables it. */
  readonly disabled: boolean
  readonly config: ConfigObject
}

/** The ext_authz filters of connection managers. */
export function filtersOf(managers: readonly ConnectionManager[]): readonly AuthzFilter[] {
  return managers.flatMap(({ listener, config }) =>
    list(config['http_filters'])
      .map(object)
      .filter((filter) => isTyped(filter['typed_config'], 'ExtAuthz'))
      .map((filter) => ({
        listener,
        name: text(filter['name']) ?? '',
        disabled: filter['disabled'] === true,
        config: object(filter['typed_config']),
      })),
  )
}

/** Listeners of the filters that are so, once each. */
export function listenersWhere<T extends { readonly listener: string }>(
  all: readonly T[],
  isSo: (one: T) => boolean,
): string {
  return listed([...new Set(all.filter(isSo).map(({ listener }) => listener))])
}

/** Whether every connection manager asks an authorization server, for every request. */
export function examinePresence(
  managers: readonly ConnectionManager[],
  filters: readonly AuthzFilter[],
): Finding {
  const name = 'envoy.ext_authz'
  if (managers.length === 0) {
    return warn(name, 'no listener of it speaks HTTP', {
      why: 'it passes no request on, or gets its listeners only now',
      mend: 'tenantgate doctor --envoy …   # once its listeners are there, or name another Envoy',
    })
  }
  const asked = filters.filter(({ disabled }) => !disabled).map(({ listener }) => listener)
  const bare = listenersWhere(managers, ({ listener }) => !asked.includes(listener))
  if (bare === '') return ok(name, `on ${listenersWhere(filters, () => true)}`)
  return error(name, `no ext_authz filter in force on ${bare}`, {
    why: 'requests to such a listener reach upstreams unasked, whatever the policy says',
    mend: 'http_filters: [ ext_authz as in envoy/envoy.yaml, …, router ]   # without disabled: true',
  })
}

/** Whether what cannot be decided is refused. */
export function examineFailureMode(filters: readonly AuthzFilter[]): Finding {
  const name = 'envoy.failure_mode'
  const open = listenersWhere(filters, ({ config }) => config['failure_mode_allow'] === true)
  if (open !== '') {
    return error(name, `failure_mode_allow is true on ${open}`, {
      why: 'while tenantgate is down, restarts or is late, every request passes undecided',
      mend: 'failure_mode_allow: false',
    })
  }
  const shadow = listenersWhere(filters, ({ config }) => config['shadow_mode'] === true)
  if (shadow !== '') {
    return error(name, `shadow_mode is true on ${shadow}`, {
      why: 'decisions are made and not enforced: every request passes',
      mend: 'shadow_mode: false   # try rules out with mode: shadow on a route of the policy',
    })
  }
  const off = listenersWhere(
    filters,
    ({ config }) =>
      config['filter_enabled'] !== undefined &&
      at(config, 'deny_at_disable', 'default_value') !== true,
  )
  if (off === '') return ok(name, 'what cannot be decided is refused')
  return warn(name, `filter_enabled can switch ext_authz off at run time on ${off}`, {
    why: 'for the share of requests that it leaves out, nothing is asked and all pass',
    mend: 'deny_at_disable: { default_value: true, runtime_key: authz.deny_at_disable }',
  })
}

/** Whether tenantgate is sent the headers that it decides by. */
export function examineSentHeaders(
  filters: readonly AuthzFilter[],
  tenantHeaders: readonly string[],
): Finding {
  const name = 'envoy.sent_headers'
  const needed = ['authorization', ...tenantHeaders]
  const withheld = needed.filter((header) =>
    filters.some(({ config }) => {
      const allowed = at(config, 'allowed_headers', 'patterns')
      const disallowed = at(config, 'disallowed_headers', 'patterns')
      return (
        (allowed !== undefined && matchesAny(allowed, header) === false) ||
        matchesAny(disallowed, header) === true
      )
    }),
  )
  if (withheld.length === 0) return ok(name, `tenantgate is sent ${needed.join(', ')}`)
  return error(name, `tenantgate is not sent ${withheld.join(', ')}`, {
    why: 'requests look as if they came without: missing_credential or tenant_mismatch for everybody',
    mend: `allowed_headers: { patterns: [${needed.map((header) => `{ exact: ${header} }`).join(', ')}] }   # or leave allowed_headers out`,
  })
}

/** Whether tenantgate may set its own headers, and nothing else. */
export function examineFence(
  filters: readonly AuthzFilter[],
  identityHeaders: readonly string[],
): Finding {
  const name = 'envoy.header_fence'
  const mend = `decoder_header_mutation_rules:\n  disallow_all: true\n  allow_expression: { regex: '^(${identityHeaders.join('|')})$' }\n  disallow_is_error: true`
  const rules = filters.map(({ config }) => object(config['decoder_header_mutation_rules']))
  const refused = identityHeaders.filter((header) => rules.some((rule) => refuses(rule, header)))
  if (refused.length > 0) {
    return error(name, `tenantgate may not set ${refused.join(', ')}`, {
      why: 'an allow that sets a header it may not set is answered 500, or arrives without the header',
      mend,
    })
  }
  const open = filters.filter((_, index) => rules[index]?.['disallow_all'] !== true)
  if (open.length === 0) return ok(name, 'it may set identity headers and nothing else')
  return warn(name, `no fence around header changes on ${listenersWhere(open, () => true)}`, {
    why: 'an authorization server may then change :path and host after its own decision: who takes it over, or stands in for it, takes over the routes',
    mend,
  })
}

function refuses(rule: ConfigObject, header: string): boolean {
  const expression = (key: string): string | undefined => text(at(rule, key, 'regex'))
  if (matchesRegex(expression('disallow_expression'), header) === true) return true
  if (rule['disallow_all'] !== true) return false
  return matchesRegex(expression('allow_expression') ?? '(?!)', header) === false
}
