import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, lstatSync, readFileSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { authorizationClient, httpRequestBytes } from '../support/authorization-client.ts'
import { serve, startServer } from '../support/authorization-server.ts'
import { testFolder } from '../support/folder.ts'

const open = httpRequestBytes({ method: 'GET', path: '/open' })

/** Leaves a socket file behind as a process does that is killed. */
async function leaveStaleSocket(path: string): Promise<void> {
  const script = `require('net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`
  await once(spawn(process.execPath, ['-e', script, path]), 'exit')
  expect(lstatSync(path).isSocket()).toBe(true)
}

describe('a server on a Unix socket', () => {
  it('answers there, and leaves no file behind', async () => {
    const path = join(testFolder(), 'gate.sock')
    const server = await startServer({ listen: `unix:${path}` })
    expect(server.address).toBe(`unix:${path}`)
    const client = authorizationClient(server.address)
    expect(await client.check(open)).toMatchObject({ code: 0 })
    client.close()
    await server.close()
    expect(existsSync(path)).toBe(false)
  })

  it('takes the place of a socket file that nobody answers on', async () => {
    const path = join(testFolder(), 'gate.sock')
    await leaveStaleSocket(path)
    const { client } = await serve({ listen: `unix:${path}` })
    expect(await client.check(open)).toMatchObject({ code: 0 })
  })

  it('does not take the place of one that somebody answers on', async () => {
    const path = join(testFolder(), 'gate.sock')
    const { client } = await serve({ listen: `unix:${path}` })
    await expect(startServer({ listen: `unix:${path}` })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(path) as string,
    })
    expect(await client.check(open)).toMatchObject({ code: 0 })
  })

  it('does not take the place of one that somebody else listens on', async () => {
    const path = join(testFolder(), 'other.sock')
    const other = createServer((socket) => socket.on('error', () => undefined).end('still here'))
    other.listen(path)
    await once(other, 'listening')
    await expect(startServer({ listen: `unix:${path}` })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    })
    const [answer] = (await once(connect(path), 'data')) as [Buffer]
    expect(answer.toString()).toBe('still here')
    other.close()
  })

  it('does not remove a file that is no socket', async () => {
    const path = join(testFolder(), 'important.txt')
    writeFileSync(path, 'keep me')
    await expect(startServer({ listen: `unix:${path}` })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    })
    expect(readFileSync(path, 'utf8')).toBe('keep me')
  })

  it('says why where the folder is missing', async () => {
    const path = join(testFolder(), 'no', 'folder', 'gate.sock')
    await expect(startServer({ listen: `unix:${path}` })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(path) as string,
    })
  })
})

describe('a server on a port', () => {
  it.each(['127.0.0.1:0', '[::1]:0', 'localhost:0'])('on %s says which it got', async (listen) => {
    const { server, client } = await serve({ listen })
    expect(server.address).toMatch(/:[1-9]\d*$/)
    expect(server.address.startsWith(listen.slice(0, -1))).toBe(true)
    expect(await client.check(open)).toMatchObject({ code: 0 })
  })

  it('rejects where the port is taken', async () => {
    const { server } = await serve()
    await expect(startServer({ listen: server.address })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(server.address) as string,
    })
  })
})
