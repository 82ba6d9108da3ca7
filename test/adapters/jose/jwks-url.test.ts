import { once } from 'node:events'
import type { RequestListener, ServerResponse } from 'node:http'
import { createServer } from 'node:net'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { createJwksUrl } from '../../../src/adapters/jose/jwks-url.ts'
import { eventually, timed } from '../../support/eventually.ts'
import { startHttpServer } from '../../support/http-server.ts'
import {
  issuerKey,
  keyRingOn,
  signedBy,
  verdictOn,
  verdictUntil,
  verifierOf,
} from '../../support/tokens.ts'

const key = await issuerKey('EdDSA', 'k1')
const next = await issuerKey('EdDSA', 'k2')
const set = (...keys: readonly unknown[]): string => JSON.stringify({ keys })
const send = (body: string | Buffer, headers: Readonly<Record<string, string>> = {}) =>
  ((_request, response) => response.writeHead(200, headers).end(body)) satisfies RequestListener

/** What a key source makes of one answer. */
async function loaded(listener: RequestListener, path = '/jwks') {
  const server = await startHttpServer(listener)
  try {
    return await timed(createJwksUrl(`${server.url}${path}`).load())
  } finally {
    await server.close()
  }
}

describe('a JWKS URL gives its keys', () => {
  it.each<[string, RequestListener]>([
    ['as they are published', send(set(key.jwk), { 'content-type': 'application/json' })],
    ['whatever the content type', send(set(key.jwk), { 'content-type': 'text/plain' })],
    ['compressed', send(gzipSync(set(key.jwk)), { 'content-encoding': 'gzip' })],
    ['beside what are no keys', send(set(null, 1, 'key', key.jwk))],
    [
      'in pieces',
      (_request, response) => {
        for (const byte of set(key.jwk)) response.write(byte)
        response.end()
      },
    ],
  ])('%s', async (_title, listener) => {
    expect((await loaded(listener)).value).toEqual([key.jwk])
  })
})

const forEver = (response: ServerResponse, piece: string): void => {
  const more = (): void => {
    if (!response.destroyed) response.write(piece, () => setImmediate(more))
  }
  more()
}

describe('a JWKS URL is refused', () => {
  it.each<[string, RequestListener]>([
    ['that answers 404', (_q, r) => r.writeHead(404).end(set(key.jwk))],
    ['that answers 500', (_q, r) => r.writeHead(500).end(set(key.jwk))],
    ['that answers no JSON', send('<html>')],
    ['that answers nothing', send('')],
    ['that answers JSON without keys', send('{}')],
    ['that answers a list', send(JSON.stringify([key.jwk]))],
    ['that answers null', send('null')],
    ['whose keys are no list', send(JSON.stringify({ keys: { k1: key.jwk } }))],
    ['that answers more than 512 KiB', send(set(key.jwk, 'x'.repeat(513 * 1024)))],
    [
      'that answers more than 512 KiB once it is unpacked',
      send(gzipSync(set(key.jwk, 'x'.repeat(5 * 1024 * 1024))), { 'content-encoding': 'gzip' }),
    ],
    ['that never stops', (_q, r) => forEver(r, ' '.repeat(64 * 1024))],
    [
      'that breaks off',
      (_q, r) =>
        r.writeHead(200, { 'content-length': '9999' }).write(set(key.jwk), () => r.destroy()),
    ],
  ])('%s', async (_title, listener) => {
    const { ms, error } = await loaded(listener)
    expect(error).toMatchObject({ code: 'KEYS_UNAVAILABLE' })
    expect(ms).toBeLessThan(2_000)
  })

  it.each([301, 302, 303, 307, 308])(
    'that redirects with %d, and it is not followed',
    async (status) => {
      const elsewhere = await startHttpServer(send(set(key.jwk)))
      const { error } = await loaded((_q, r) =>
        r.writeHead(status, { location: elsewhere.url }).end(),
      )
      expect(error).toMatchObject({ code: 'KEYS_UNAVAILABLE' })
      expect(elsewhere.asked()).toBe(0)
      await elsewhere.close()
    },
  )

  it('where nobody listens', async () => {
    const server = await startHttpServer(send(''))
    await server.close()
    await expect(createJwksUrl(server.url).load()).rejects.toMatchObject({
      code: 'KEYS_UNAVAILABLE',
    })
  })

  it('that has not answered, or not to the end, after 3 s', async () => {
    const silent = createServer(() => undefined).listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const { port } = silent.address() as { port: number }
    const results = await Promise.all([
      timed(createJwksUrl(`http://127.0.0.1:${port}`).load()),
      loaded(() => undefined),
      loaded((_q, r) => {
        const timer = setInterval(() => r.write(' '), 100)
        r.once('close', () => clearInterval(timer))
      }),
    ])
    silent.close()
    for (const { ms, error } of results) {
      expect(error).toMatchObject({ code: 'KEYS_UNAVAILABLE' })
      expect(ms).toBeGreaterThan(2_500)
      expect(ms).toBeLessThan(5_000)
    }
  })
})

describe('with the keys of a URL', () => {
  it('a rotated key verifies once the set is read again, and the last good keys outlive their source', async () => {
    let body = set(key.jwk)
    const server = await startHttpServer((_q, r) => r.end(body))
    const { ring, faults, pass } = keyRingOn(createJwksUrl(server.url))
    const verifier = verifierOf(ring)
    expect(await verdictOn(verifier, await signedBy(key))).toHaveProperty('claims')

    body = set(key.jwk, next.jwk)
    pass(2_000)
    expect(await verdictOn(verifier, await signedBy(next))).toHaveProperty('claims')
    expect(server.asked()).toBe(2)

    await server.close()
    pass(2_000)
    const unknown = await signedBy(await issuerKey('EdDSA', 'k3'))
    expect(await verdictOn(verifier, unknown)).toHaveProperty('why')
    expect(faults).toMatchObject([{ code: 'KEYS_UNAVAILABLE' }])
    for (const good of [key, next]) {
      expect(await verdictOn(verifier, await signedBy(good))).toHaveProperty('claims')
    }
    ring.close()
  })

  it('a token waits for a slow source no longer than its deadline', async () => {
    const server = await startHttpServer(() => undefined)
    const { ring } = keyRingOn(createJwksUrl(server.url))
    const verifier = verifierOf(ring)
    const { ms, error } = await timed(
      verdictUntil(verifier, await signedBy(key), AbortSignal.timeout(80)),
    )
    expect(error).toBeDefined()
    expect(ms).toBeLessThan(1_000)
    ring.close()
    await server.close()
  })

  it('a token that names a known key does not wait for a slow source', async () => {
    const waiting: ServerResponse[] = []
    const server = await startHttpServer((_q, r) => {
      if (waiting.push(r) === 1) r.end(set(key.jwk))
    })
    const { ring, pass } = keyRingOn(createJwksUrl(server.url))
    const verifier = verifierOf(ring)
    await verdictOn(verifier, await signedBy(key))

    pass(2_000)
    const aborter = new AbortController()
    const unknown = timed(
      verdictUntil(verifier, await signedBy(await issuerKey('EdDSA', 'k3')), aborter.signal),
    )
    await eventually(() => waiting.length === 2)
    expect(await verdictOn(verifier, await signedBy(key))).toHaveProperty('claims')
    aborter.abort()
    expect((await unknown).error).toBeDefined()
    ring.close()
    await server.close()
  })
})
