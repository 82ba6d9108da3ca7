import { parsePolicyDocument } from '../adapters/files/policy-document.ts'
import { AppError } from '../domain/errors.ts'
import { planEdge, type Edge, type EdgeFault } from '../domain/edge.ts'
import type { PolicyPath } from '../domain/policy-reader.ts'
import { faultLine, readPolicy, readText } from './files.ts'

/** How much of a policy is read, and what else a format cannot say. */
interface EdgeReading {
  readonly routes: boolean
  readonly alsoFaults?: (edge: Edge) => readonly EdgeFault[]
}

/**
 * What a gateway needs of the policy in a file. Throws `POLICY_INVALID` with every fault and its
 * line, as lint tells them.
 */
export function readEdge(file: string, options: EdgeReading): Edge {
  const planned = planEdge(readPolicy(file), options)
  const faults = 'edge' in planned ? (options.alsoFaults?.(planned.edge) ?? []) : planned.faults
  if ('edge' in planned && faults.length === 0) return planned.edge
  const { locate, value } = parsePolicyDocument(readText(file))
  const located = faults.map((fault) => {
    const path = pathOf(fault, value)
    return { ...locate(path), path: pathText(path), message: fault.message }
  })
  located.sort((a, b) => a.line - b.line || a.column - b.column)
  const lines = located.map((fault) => faultLine(file, fault))
  throw new AppError('POLICY_INVALID', `the policy cannot be rendered:\n${lines.join('\n')}`)
}

function pathOf(fault: EdgeFault, value: unknown): PolicyPath {
  if ('path' in fault) return fault.path
  const { routes } = value as { readonly routes: readonly { readonly name: string }[] }
  return ['routes', routes.findIndex(({ name }) => name === fault.route)]
}

function pathText(path: PolicyPath): string {
  return path
    .map((key, index) => (typeof key === 'number' ? `[${key}]` : index === 0 ? key : `.${key}`))
    .join('')
}
