import { describe, expect, it } from 'vitest'
import { BufferPool } from '../../../src/adapters/http2/buffer-pool.ts'
import { Output } from '../../../src/adapters/http2/output.ts'

interface World {
  readonly output: Output
  readonly pool: BufferPool
  readonly socket: { writableLength: number }
  readonly writes: Buffer[]
  /** What `writes` said when they were written. */
  readonly said: string[]
}

/** A socket whose kernel takes all, or nothing. */
function open({ takes = true }: { takes?: boolean } = {}): World {
  const writes: Buffer[] = []
  const said: string[] = []
  const pool = new BufferPool(64, 2)
  const socket = {
    writableLength: 0,
    write(bytes: Buffer) {
      writes.push(bytes)
      said.push(bytes.toString())
      if (!takes) socket.writableLength += bytes.length
      return socket.writableLength < 100
    },
  }
  return { output: new Output(socket, pool), pool, socket, writes, said }
}

const put = (output: Output, text: string): void => {
  const at = output.reserve(text.length)
  output.bytes.write(text, at)
}

describe('what is put out', () => {
  it('goes out in one write', () => {
    const { output, said } = open()
    put(output, 'one ')
    put(output, 'two')
    output.flush()
    output.flush()
    expect(said).toEqual(['one two'])
  })

  it('goes out earlier where a buffer is full', () => {
    const { output, said } = open()
    put(output, 'a'.repeat(40))
    put(output, 'b'.repeat(24))
    put(output, 'c')
    expect(said).toEqual(['a'.repeat(40) + 'b'.repeat(24)])
    output.flush()
    expect(said).toHaveLength(2)
  })

  it('uses one buffer again and again while the kernel takes all', () => {
    const { output, pool, writes } = open()
    for (let n = 0; n < 10; n += 1) {
      put(output, 'x')
      output.flush()
    }
    expect(new Set(writes.map(({ buffer }) => buffer)).size).toBe(1)
    expect(pool.take().buffer).toBe(writes[0]?.buffer)
  })

  it('leaves to the socket what the kernel has not taken', () => {
    const { output, pool, socket, writes } = open({ takes: false })
    put(output, 'first')
    output.flush()
    put(output, 'second')
    output.flush()
    put(output, 'third')
    output.flush()
    expect(pool.take().buffer).not.toBe(writes[0]?.buffer)
    expect(writes.map(String)).toEqual(['first', 'second', 'third'])
    // Of a socket that is held up only the first keeps a buffer of the pool.
    expect(writes.slice(1).map(({ buffer }) => buffer.byteLength !== 64)).toEqual([true, true])
    output.reclaim()
    expect(pool.take().buffer).not.toBe(writes[0]?.buffer)
    socket.writableLength = 0
    output.reclaim()
    expect(pool.take().buffer).toBe(writes[0]?.buffer)
  })

  it('takes the buffer of the socket back once it is done with it', () => {
    const { output, pool, socket, writes } = open({ takes: false })
    put(output, 'first')
    output.flush()
    socket.writableLength = 0
    put(output, 'second')
    output.flush()
    expect(writes[1]?.buffer).toBe(writes[0]?.buffer)
    expect(pool.take().buffer).not.toBe(writes[0]?.buffer)
  })

  it('knows what waits, what the kernel took, and that it is too much', () => {
    const { output, socket } = open({ takes: false })
    put(output, 'x'.repeat(60))
    expect([output.waiting, output.taken, output.isCongested]).toEqual([60, 0, false])
    output.flush()
    expect([output.waiting, output.taken, output.isCongested]).toEqual([60, 0, false])
    put(output, 'x'.repeat(60))
    output.flush()
    expect([output.waiting, output.taken, output.isCongested]).toEqual([120, 0, true])
    socket.writableLength = 20
    expect([output.waiting, output.taken]).toEqual([20, 100])
  })

  it('is dropped after the end', () => {
    const { output, pool, writes } = open()
    output.end()
    put(output, 'late')
    const { buffer } = output.bytes
    output.flush()
    expect(writes).toEqual([])
    expect(pool.take().buffer).toBe(buffer)
  })
})

it('a pool keeps no more than it is told to', () => {
  const pool = new BufferPool(8, 2)
  const three = [pool.take(), pool.take(), pool.take()]
  expect(new Set(three).size).toBe(3)
  three.forEach((buffer) => pool.give(buffer))
  expect([pool.take(), pool.take()].every((buffer) => three.includes(buffer))).toBe(true)
  expect(three).not.toContain(pool.take())
})
