import { Document, isSeq } from 'yaml'
import type { Edge } from '../../domain/edge.ts'
import { needsLongExpressions } from './render-routes.ts'
import { partPaths, renderStatic, type EdgeSettings } from './render-static.ts'
import { nodeAt, yamlText } from './render-yaml.ts'

/** A part of a configuration, for pasting into one that is there already. */
export type EnvoyPart = keyof typeof partPaths

/** The parts, as they are named on the command line. */
export const envoyParts = Object.keys(partPaths) as readonly EnvoyPart[]

/** Where a part goes, and how it is written to go there. */
const places: Readonly<Record<EnvoyPart, { readonly where: string; readonly key?: string }>> = {
  routes: { where: 'the HTTP connection manager, in the place of its own', key: 'route_config' },
  filter: { where: 'http_filters of the HTTP connection manager, before any other filter' },
  cluster: { where: 'clusters of static_resources' },
  'early-mutation': {
    where: 'the HTTP connection manager',
    key: 'early_header_mutation_extensions',
  },
}

const limitNote = [
  'Needs in the bootstrap, as expressions for paths are long:',
  '  layered_runtime: { layers: [{ name: static, static_layer: { re2.max_program_size.error_level: 4294967295 } }] }',
]

/** Renders a static configuration, or one part of it, as YAML. The same input gives the same bytes. */
export function renderEnvoy(
  template: string,
  edge: Edge,
  settings: EdgeSettings & { readonly only?: EnvoyPart | undefined },
): string {
  const whole = renderStatic(template, edge, settings)
  const head = (lines: readonly string[]): string => lines.map((line) => `# ${line}\n`).join('')
  const origin = `Rendered by tenantgate envoy from the policy ${edge.version}. Change the policy, not this file.`
  if (settings.only === undefined) return head([origin]) + yamlText(whole)
  const { key, where } = places[settings.only]
  const node = nodeAt(whole, partPaths[settings.only])
  const part = new Document(key === undefined ? (isSeq(node) ? node : [node]) : { [key]: node })
  const notes = settings.only === 'routes' && needsLongExpressions(edge) ? limitNote : []
  return head([origin, `Goes to ${where}.`, ...notes]) + yamlText(part)
}
