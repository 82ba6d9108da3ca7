import { isUtf8 } from 'node:buffer'
import type { AccessRequest } from '../../src/domain/request.ts'
import type { CheckRequest } from './loaded-check.ts'
import { fromCheckRequest } from './plain-check-request.ts'

/**
 * A second reader of CheckRequests, written to be plain: it makes a tree of all that a message says on
 * the way to what a decision needs, and gives up on every shape that readers of protobuf disagree about.
 * What it reads is what proto-loader reads too.
 */

/** A message that is looked into, by the numbers of its fields. */
interface Shape {
  readonly [number: number]: Member
}
type Member =
  | { readonly kind: 'text' | 'bytes' | 'number' | 'skipped' }
  | { readonly kind: 'message' | 'repeated' | 'map'; readonly shape: Shape }

const text = { kind: 'text' } as const
const skipped = { kind: 'skipped' } as const
const entry: Shape = { 1: text, 2: text }
const header: Shape = { 1: text, 2: text, 3: { kind: 'bytes' } }
const http: Shape = {
  ...{ 1: skipped, 2: text, 3: { kind: 'map', shape: entry }, 4: text, 5: text, 6: skipped },
  ...{ 7: skipped, 8: skipped, 9: { kind: 'number' }, 10: skipped, 11: skipped, 12: skipped },
  13: { kind: 'message', shape: { 1: { kind: 'repeated', shape: header } } },
}
const request: Shape = { 1: skipped, 2: { kind: 'message', shape: http } }
const attributes: Shape = {
  ...{ 1: skipped, 2: skipped, 4: { kind: 'message', shape: request } },
  ...{ 10: { kind: 'map', shape: entry }, 11: skipped, 12: skipped, 13: skipped },
}
const checkRequest: Shape = { 1: { kind: 'message', shape: attributes } }

/** The values of each field, in their order. */
type Tree = ReadonlyMap<number, readonly (Uint8Array | Tree)[]>

class OddError extends Error {}

/** The request of a message, or undefined where it has no one reading, for somebody who asks for these headers. */
export function strictRequest(
  bytes: Uint8Array,
  asked: readonly string[],
): AccessRequest | undefined {
  try {
    return fromCheckRequest(messageOf(treeOf(bytes, checkRequest), asked))
  } catch (error) {
    if (error instanceof OddError) return undefined
    throw error
  }
}

function treeOf(bytes: Uint8Array, shape: Shape): Tree {
  const tree = new Map<number, (Uint8Array | Tree)[]>()
  let rest = bytes
  while (rest.length > 0) {
    const [tag, afterTag] = varint(rest, 5)
    const number = Math.floor(tag / 8)
    const value = valueOf(tag % 8, number, afterTag)
    rest = value.rest
    const member = shape[number]
    if (member === undefined) continue
    const wireType = member.kind === 'number' ? 0 : 2
    if (tag % 8 !== wireType) throw new OddError()
    if (member.kind === 'message' && tree.has(number)) throw new OddError()
    if (!tree.has(number)) tree.set(number, [])
    tree.get(number)?.push('shape' in member ? treeOf(value.bytes, member.shape) : value.bytes)
  }
  return tree
}

function valueOf(wireType: number, number: number, bytes: Uint8Array, depth = 0) {
  if (number === 0) throw new OddError()
  if (wireType === 0) return { bytes: bytes.subarray(0, 0), rest: varint(bytes, 10)[1] }
  if (wireType === 1) return cut(bytes, 8)
  if (wireType === 5) return cut(bytes, 4)
  if (wireType === 2) {
    const [length, after] = varint(bytes, 5)
    return cut(after, length)
  }
  if (wireType !== 3 || depth === 32) throw new OddError()
  let rest = bytes
  for (;;) {
    const [tag, after] = varint(rest, 5)
    if (tag % 8 === 4) {
      if (Math.floor(tag / 8) !== number) throw new OddError()
      return { bytes: bytes.subarray(0, 0), rest: after }
    }
    rest = valueOf(tag % 8, Math.floor(tag / 8), after, depth + 1).rest
  }
}

function cut(bytes: Uint8Array, length: number) {
  if (bytes.length < length) throw new OddError()
  return { bytes: bytes.subarray(0, length), rest: bytes.subarray(length) }
}

/** A tag or a length has 32 bits at most; of a varint that is skipped only its end is looked for. */
function varint(bytes: Uint8Array, longest: number): readonly [value: number, rest: Uint8Array] {
  const length = bytes.findIndex((byte) => byte < 0x80) + 1
  if (length === 0 || length > longest) throw new OddError()
  let value = 0
  for (const byte of bytes.subarray(0, length).toReversed()) value = value * 128 + (byte & 0x7f)
  if (longest === 5 && value >= 2 ** 32) throw new OddError()
  return [value, bytes.subarray(length)]
}

/** The message as proto-loader would give it, with what somebody may ask of it. */
function messageOf(tree: Tree, asked: readonly string[]): CheckRequest {
  const [attributes] = trees(tree, 1)
  const [request] = trees(attributes, 4)
  const [http] = trees(request, 2)
  const [headerMap] = trees(http, 13)
  const wanted = (name: Uint8Array): boolean => asked.includes(latin1(name).toLowerCase())
  const headers = trees(http, 3).filter((one) => wanted(last(one, 1)))
  const listed = trees(headerMap, 1).filter((one) => wanted(last(one, 1)))
  const extensions = trees(attributes, 10).filter((one) =>
    ['access', 'permission', 'path'].includes(latin1(last(one, 1))),
  )
  // Of a key that is there several times the last value alone is looked at.
  const map = (entries: readonly Tree[]): Record<string, string> => {
    const values = new Map(entries.map((one) => [utf8(last(one, 1)), last(one, 2)] as const))
    return Object.fromEntries(Array.from(values, ([key, value]) => [key, utf8(value)]))
  }
  return {
    attributes: {
      request: {
        http: {
          method: utf8(last(http, 2)),
          path: utf8(last(http, 4)),
          host: utf8(last(http, 5)),
          headers: map(headers),
          header_map: {
            headers: listed.map((one) => ({
              key: utf8(last(one, 1)),
              value: utf8(last(one, 2)),
              raw_value: last(one, 3),
            })),
          },
        },
      },
      context_extensions: map(extensions),
    },
  }
}

function trees(tree: Tree | undefined, number: number): readonly Tree[] {
  return (tree?.get(number) ?? []) as readonly Tree[]
}

function last(tree: Tree | undefined, number: number): Uint8Array {
  return (tree?.get(number)?.at(-1) as Uint8Array | undefined) ?? new Uint8Array()
}

const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')

function utf8(bytes: Uint8Array): string {
  if (!isUtf8(bytes)) throw new OddError()
  return Buffer.from(bytes).toString('utf8')
}
