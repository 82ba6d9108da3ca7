import { createRequire } from 'node:module'
import type * as yaml from 'yaml'
import type { Document, Node, Pair } from 'yaml'
import type { PolicyPath } from '../../domain/policy-reader.ts'
import type { ParsePolicyDocument, Position } from '../../ports/policy-document.ts'

const require = createRequire(import.meta.url)

/** Loaded when the first text needs it: 72 files, for which a start on a policy of JSON need not wait. */
const library = (): typeof yaml => require('yaml') as typeof yaml

/** Parses YAML 1.2 (and so JSON), keeping where each value stands. */
export const parseYaml: ParsePolicyDocument = (text) => {
  const { LineCounter, parseDocument } = library()
  const lines = new LineCounter()
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: true,
    stringKeys: true,
  })
  const position = (offset: number): Position => {
    const { line, col } = lines.linePos(offset)
    return { line: Math.max(1, line), column: Math.max(1, col) }
  }
  const faults = document.errors.map((error) => ({
    ...position(error.pos[0]),
    message: error.message,
  }))
  let value: unknown
  try {
    value = faults.length === 0 ? document.toJS({ maxAliasCount: 100 }) : undefined
  } catch (error) {
    // Aliases without an anchor, or that multiply without end ("billion laughs"), end up here.
    faults.push({ ...position(unresolvedAlias(document)), message: (error as Error).message })
  }
  return {
    value,
    faults,
    locate: (path) => position(offsetOf(document.contents, path)),
  }
}

/** Where the first alias stands that names no anchor; the beginning where all do. */
function unresolvedAlias(document: Document): number {
  const { visit } = library()
  let offset = 0
  visit(document, {
    Alias(_key, alias) {
      if (alias.resolve(document) !== undefined) return undefined
      offset = startOf(alias) ?? 0
      return visit.BREAK
    },
  })
  return offset
}

/** The offset of the value at a path, or of the nearest key or value on the way to it. */
function offsetOf(root: Node | null, path: PolicyPath): number {
  const { isMap, isScalar, isSeq } = library()
  let node: unknown = root
  let offset = startOf(root) ?? 0
  for (const key of path) {
    if (isSeq(node) && typeof key === 'number') {
      node = node.items[key]
      offset = startOf(node) ?? offset
    } else if (isMap(node)) {
      const pair = (node.items as readonly Pair[]).find(
        (item) => isScalar(item.key) && String(item.key.value) === String(key),
      )
      if (pair === undefined) return offset
      offset = startOf(pair.key) ?? offset
      node = pair.value
    } else return offset
  }
  // A fault of a value is shown at the value, unless that is empty or the whole of a block.
  return isScalar(node) ? (startOf(node) ?? offset) : offset
}

function startOf(node: unknown): number | undefined {
  return (node as Node | undefined)?.range?.[0]
}
