import { createServer } from 'node:net'
import { describe, expect, it } from 'vitest'
import { ServerStartError } from '../../../src/adapters/servers/child.ts'
import { isPortFree, onFreePort, reach } from '../../../src/adapters/servers/ports.ts'

const taken = () => Promise.reject(new ServerStartError('x', 'bind: Address already in use'))

describe('onFreePort', () => {
  it('takes another port when one was taken meanwhile', async () => {
    const tried: number[] = []
    const port = await onFreePort(async (candidate) => {
      tried.push(candidate)
      return tried.length < 3 ? taken() : candidate
    })
    expect(tried).toHaveLength(3)
    expect(port).toBe(tried[2])
  })

  it('does not repeat another fault', async () => {
    let calls = 0
    const start = () => {
      calls += 1
      return Promise.reject(new ServerStartError('x', 'out of memory'))
    }
    await expect(onFreePort(start)).rejects.toThrow('out of memory')
    expect(calls).toBe(1)
  })

  it('gives up after a while', async () => {
    await expect(onFreePort(taken)).rejects.toThrow('already in use')
  })

  it('tries a port that was asked for, and no other', async () => {
    await expect(onFreePort(taken, 4711)).rejects.toThrow('already in use')
  })
})

it('tells free ports from taken ones', async () => {
  const port = await onFreePort(async (candidate) => candidate)
  expect(await isPortFree(port)).toBe(true)
  await expect(reach('127.0.0.1', port)).rejects.toThrow('ECONNREFUSED')

  const server = createServer()
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  expect(await isPortFree(port)).toBe(false)
  await reach('127.0.0.1', port)
  await new Promise((resolve) => server.close(resolve))
})
