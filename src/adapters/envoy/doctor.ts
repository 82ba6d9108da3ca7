import { placeOf } from '../../application/doctor-address.ts'
import type { Part } from '../../application/doctor.ts'
import { ok, warn, type Finding } from '../../domain/finding.ts'
import { examineWay, type ServiceLimits } from './doctor-cluster.ts'
import { at, readDump, text, type EnvoyDump } from './doctor-dump.ts'
import {
  examineFailureMode,
  examineFence,
  examinePresence,
  examineSentHeaders,
  filtersOf,
} from './doctor-filter.ts'
import { examineHosts, examineInternal, examinePaths, examineStripping } from './doctor-manager.ts'
import { examineRemovedHeaders, examineRoutes, scopesOf, unaskedScopes } from './doctor-routes.ts'

/** What a running Envoy is examined for. */
export interface EnvoyDoctorDeps extends ServiceLimits {
  readonly adminUrl: string
  /** Headers that tenantgate sets, lower case. */
  readonly identityHeaders: readonly string[]
  /** Headers by which the policy tells tenants, lower case. */
  readonly tenantHeaders: readonly string[]
}

/** The part of the doctor that looks at a running Envoy, by its admin interface. */
export function envoyPart(deps: EnvoyDoctorDeps): Part {
  return {
    name: 'envoy',
    place: placeOf(deps.adminUrl),
    async open() {
      const dump = await readDump(deps.adminUrl)
      return {
        findings: [
          ok('envoy.reachable', `${placeOf(deps.adminUrl)}: Envoy ${dump.version}, ${dump.state}`),
        ],
        checks: [{ name: 'envoy.config', doubt: 'error', run: () => examineDump(dump, deps) }],
        answers: () => Promise.resolve(),
        close: () => Promise.resolve(),
      }
    },
    unreachable: {
      why: "Envoy's configuration was not looked at: whether it asks tenantgate at all is not known",
      mend: 'curl -s ADMIN_URL/server_info   # ADMIN_URL is the address of admin: in its configuration, as http://127.0.0.1:9901',
    },
  }
}

/** Looks at a configuration. */
export function examineDump(dump: EnvoyDump, deps: EnvoyDoctorDeps): readonly Finding[] {
  const { clusters, managers, routeConfigs } = dump
  const filters = filtersOf(managers)
  const names = [...new Set(filters.map(({ name }) => name))]
  const scopes = scopesOf(routeConfigs)
  const unasked =
    unaskedScopes(scopes, names).length > 0 ||
    managers.length > new Set(filters.map(({ listener }) => listener)).size ||
    filters.some(({ config, disabled }) => disabled || config['failure_mode_allow'] === true)
  const presence = examinePresence(managers, filters)
  const ofManagers = [
    examinePaths(managers),
    examineHosts(managers, routeConfigs),
    examineInternal(managers),
    examineStripping(managers, { headers: deps.identityHeaders, unasked }),
    admin(dump),
  ]
  if (filters.length === 0) return [presence, ...ofManagers]
  return [
    presence,
    examineFailureMode(filters),
    examineRoutes(scopes, names),
    ...ofManagers,
    examineRemovedHeaders(scopes, deps.identityHeaders),
    examineSentHeaders(filters, deps.tenantHeaders),
    examineFence(filters, deps.identityHeaders),
    ...examineWay(filters, clusters, deps),
  ]
}

function admin({ bootstrap }: EnvoyDump): Finding {
  const name = 'envoy.admin'
  const address = text(at(bootstrap, 'admin', 'address', 'socket_address', 'address'))
  if (address !== '0.0.0.0' && address !== '::')
    return ok(name, `admin on ${address ?? 'a socket'}`)
  return warn(name, `the admin interface listens on ${address}`, {
    why: 'whoever reaches it can stop this Envoy, drain it and read all of its configuration',
    mend: 'admin: { address: { socket_address: { address: 127.0.0.1, port_value: 9901 } } }',
  })
}
