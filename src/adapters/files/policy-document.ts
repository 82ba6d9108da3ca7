import { createHash } from 'node:crypto'
import {
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  type Document,
  type Node,
  type Pair,
} from 'yaml'
import type { PolicyPath } from '../../domain/policy-reader.ts'
import type { Digest, ParsePolicyDocument, Position } from '../../ports/policy-document.ts'

/** Parses YAML 1.2 (and so JSON), keeping where each value stands. */
export const parsePolicyDocument: ParsePolicyDocument = (text) => {
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

/** SHA-256 in hexadecimal digits. */
export const sha256: Digest = (text) => createHash('sha256').update(text).digest('hex')
