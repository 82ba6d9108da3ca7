import type { Socket } from 'node:net'
import { expect, it } from 'vitest'
import { readInto } from '../../../src/adapters/http2/read-into.ts'

it.each<[string, object]>([
  ['its handle is gone', { _handle: null }],
  ['it has none', {}],
  ['its handle cannot read into a buffer', { _handle: { readStart: () => undefined } }],
])('leaves a socket as it is where %s', (_why, accepted) => {
  const before = { ...accepted }
  const onRead = (): void => undefined
  expect(readInto(Buffer.alloc(8), accepted as Socket, onRead)).toBeUndefined()
  expect(accepted).toEqual(before)
})
