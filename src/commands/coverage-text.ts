import type { Coverage, Uncovered } from '../application/coverage.ts'
import { counted, listed } from '../domain/finding.ts'
import type { MatrixRow } from '../domain/coverage-matrix.ts'
import type { GatewayCoverage } from '../domain/coverage-gateway.ts'
import { harmless } from './output.ts'

/** Coverage for people: findings first, then what decides Envoy's routes, then who can call what. */
export function coverageText(policyFile: string, coverage: Coverage): string {
  const { dead, gateway_routes, matrix, operations, policy, uncallable, unasked, uncovered } =
    coverage
  const { ungranted } = coverage
  const routes = matrix.filter(({ source }) => source === 'policy').length
  const sections = [
    [`${policyFile}: ${counted(routes, 'route')}, ${policy}`],
    section('uncovered', uncovered.map(uncoveredLine)),
    section(
      'dead',
      dead.map(({ match, route, why }) => [route, match, why]),
    ),
    section(
      'ungranted',
      ungranted.map(({ permission, routes, why }) => [permission, why, routes.join(', ')]),
    ),
    section(
      'nobody can call',
      uncallable.map((route) => [route]),
    ),
    section(
      'granted, but asked for by no route',
      unasked.map(({ permissions, role, scope }) => [
        `${scope} role ${role}`,
        permissions.join(', '),
      ]),
    ),
    section('routes of Envoy', gateway_routes.map(gatewayLine)),
    ['who can call what', ...matrixLines(coverage)],
    [summary(coverage, operations.length)],
  ]
  return sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')
}

function summary({ dead, gateway_routes, uncovered, ungranted }: Coverage, operations: number) {
  const compared = [
    ...(operations > 0 ? [counted(operations, 'operation')] : []),
    ...(gateway_routes.length > 0
      ? [counted(gateway_routes.length, 'route of Envoy', 'routes of Envoy')]
      : []),
  ]
  const found = `${uncovered.length} uncovered, ${dead.length} dead, ${ungranted.length} ungranted`
  return compared.length === 0 ? found : `${found}; compared with ${compared.join(' and ')}`
}

/** A heading with aligned lines below it; nothing where there are none. */
function section(title: string, lines: readonly (readonly string[])[]): readonly string[] {
  return lines.length === 0 ? [] : [title, ...aligned(lines)]
}

function uncoveredLine(uncovered: Uncovered): readonly string[] {
  if (uncovered.kind === 'operation') {
    const { coverage, example, line, method, path, routes, source, why } = uncovered
    const but = coverage === 'partly' ? `only ${routes.join(', ')}; ` : ''
    return [
      coverage === 'partly' ? 'partly' : 'wholly',
      `${method} ${path}`,
      `${source}:${line}`,
      `${but}${example ?? ''}: ${why ?? ''}`,
    ]
  }
  const { listener, match, route, source, virtual_host, why } = uncovered
  const name = route === null ? listener : `${listener}/${virtual_host ?? ''}/${route}`
  return ['wholly', match ?? 'all of a listener', `${source} ${name}`, why]
}

function gatewayLine(route: GatewayCoverage): readonly string[] {
  const { decided_by, extensions, listener, match, routes, virtual_host } = route
  const stated = Object.entries(extensions).map(([key, value]) => `${key}=${value}`)
  const below = routes === null ? 'policy routes: cannot be told' : listed(routes, 4)
  return [
    `${listener}/${virtual_host}/${route.route}`,
    match,
    decided_by,
    [...stated, ...(below === '' ? [] : [below])].join('; '),
  ]
}

function matrixLines({ dynamic_roles, matrix }: Coverage): readonly string[] {
  const [first] = matrix
  if (first === undefined) return ['  the policy has no route']
  const roles = Object.keys(first.roles)
  const platformRoles = Object.keys(first.platform_roles)
  const head = [
    'route',
    'match',
    'access',
    'needs',
    ...roles,
    ...platformRoles.map((role) => `(${role})`),
  ]
  const rows = matrix.map((row) => [
    row.source === 'envoy' ? `envoy ${row.route}` : row.route,
    row.match,
    row.access,
    needs(row),
    ...roles.map((role) => cell(row.roles[role])),
    ...platformRoles.map((role) => cell(row.platform_roles[role])),
  ])
  return [
    ...aligned([head, ...rows]),
    ...(platformRoles.length > 0 ? ['  (role) is a platform role'] : []),
    ...(dynamic_roles ? ['  dynamic roles may grant more'] : []),
  ]
}

function needs({ callable, mode, requirement, tenant, hosts }: MatrixRow): string {
  const { permissions, quantifier } = requirement
  const notes = [
    ...(permissions.length > 0 ? [permissions.join(quantifier === 'all' ? ' and ' : ' or ')] : []),
    ...(tenant === 'none' ? ['platform only'] : []),
    ...(hosts.length > 0 ? [`on ${hosts.join(', ')}`] : []),
    ...(mode === 'shadow' ? ['shadow: refusals pass'] : []),
    ...(callable === 'combined' ? ['several roles together'] : []),
  ]
  return notes.join('; ')
}

function cell(may: boolean | undefined): string {
  return may === true ? 'yes' : '-'
}

/** Lines of columns, each as wide as its widest; the last one ends where it ends. */
function aligned(cells: readonly (readonly string[])[]): readonly string[] {
  const lines = cells.map((line) => line.map(harmless))
  const widths: number[] = []
  for (const line of lines) {
    for (const [index, text] of line.entries()) {
      widths[index] = Math.max(widths[index] ?? 0, text.length)
    }
  }
  return lines.map((line) =>
    `  ${line.map((text, index) => text.padEnd(widths[index] ?? 0)).join('  ')}`.trimEnd(),
  )
}
