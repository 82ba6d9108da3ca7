import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  startHttpServer,
  type HttpServer,
  type HttpServerOptions,
} from '../../../src/adapters/http/server.ts'
import { createJwksRoute } from '../../../src/adapters/http/jwks-route.ts'
import { createMetrics } from '../../../src/adapters/prometheus/metrics.ts'
import { createReadiness } from '../../../src/application/readiness.ts'
import { timed } from '../../support/eventually.ts'
import { parseExposition } from '../../support/prometheus-text.ts'

const onPort = { host: '127.0.0.1', port: 0 }

async function serve(options: Partial<HttpServerOptions> = {}) {
  const readiness = createReadiness(() => undefined)
  const metrics = createMetrics()
  const faults: unknown[] = []
  const server = await startHttpServer({
    listen: onPort,
    tls: undefined,
    readiness: readiness.report,
    metrics: metrics.expose,
    onFault: (cause) => faults.push(cause),
    ...options,
  })
  onTestFinished(server.close)
  const get = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(`http://${server.address}${path}`, init)
    const type = response.headers.get('content-type') ?? ''
    return { status: response.status, type, text: await response.text() }
  }
  return { server, readiness, metrics, faults, get }
}

/** What comes back for bytes that no HTTP client would send. */
async function rawAnswer({ address }: HttpServer, bytes: string): Promise<string> {
  const colon = address.lastIndexOf(':')
  const socket = connect(Number(address.slice(colon + 1)), address.slice(0, colon))
  let answer = ''
  socket.setEncoding('utf8').on('data', (text: string) => (answer += text))
  socket.on('error', () => undefined)
  socket.write(bytes)
  await new Promise((resolve) => socket.once('close', resolve))
  return answer
}

describe('GET /livez', () => {
  it('is 200 as long as the process lives, ready or not', async () => {
    const { get, readiness } = await serve()
    expect(await get('/livez')).toMatchObject({ status: 200 })
    readiness.drain()
    expect(await get('/livez')).toMatchObject({ status: 200 })
  })
})

describe('GET /.well-known/jwks.json', () => {
  it('publishes the keys of assertions, and how long they may be kept', async () => {
    const key = { kty: 'OKP', crv: 'Ed25519', x: 'x', kid: 'k', alg: 'EdDSA', use: 'sig' }
    const published = () => ({ keys: [{ ...key, d: 'private' }], maxAgeS: 300 })
    const { server } = await serve({ routes: [createJwksRoute(published)] })
    const answer = await fetch(`http://${server.address}/.well-known/jwks.json`)
    expect(answer.headers.get('cache-control')).toBe('public, max-age=300')
    expect(await answer.json()).toEqual({ keys: [key] })
  })

  it('is not there where assertions are off', async () => {
    const { get } = await serve()
    expect(await get('/.well-known/jwks.json')).toMatchObject({ status: 404 })
  })
})

describe('GET /readyz', () => {
  it('is 503, 200 once PostgreSQL answered, 200 while degraded, and 503 while draining', async () => {
    const { get, readiness } = await serve()
    const readyz = async () => {
      const { status, type, text } = await get('/readyz')
      expect(type).toMatch(/^application\/json/)
      return [status, JSON.parse(text)] as const
    }
    expect(await readyz()).toEqual([
      503,
      {
        status: 'not_ready',
        components: { postgres: { status: 'down', detail: expect.any(String) as string } },
      },
    ])
    readiness.set('policy', { status: 'ok', detail: 'sha256:1' })
    readiness.databaseAnswered()
    expect(await readyz()).toEqual([
      200,
      {
        status: 'ready',
        components: { postgres: { status: 'ok' }, policy: { status: 'ok', detail: 'sha256:1' } },
      },
    ])
    readiness.set('policy', { status: 'degraded', detail: 'the last good policy is in force' })
    expect(await readyz()).toMatchObject([
      200,
      { status: 'degraded', components: { policy: { status: 'degraded' } } },
    ])
    readiness.databaseFailed('gone')
    expect(await readyz()).toMatchObject([
      200,
      { status: 'degraded', components: { postgres: { status: 'down', detail: 'gone' } } },
    ])
    readiness.drain()
    expect(await readyz()).toMatchObject([503, { status: 'draining' }])
  })
})

describe('GET /metrics', () => {
  it('is an exposition with the metrics of the service', async () => {
    const { get, metrics } = await serve()
    metrics.logDropped()
    const { status, type, text } = await get('/metrics')
    expect(status).toBe(200)
    expect(type).toMatch(/^text\/plain; version=0\.0\.4/)
    const { types, value } = parseExposition(text)
    for (const name of [
      'tenantgate_decisions_total',
      'tenantgate_check_duration_seconds',
      'tenantgate_facts_total',
      'tenantgate_decision_log_dropped_total',
    ]) {
      expect(types.has(name)).toBe(true)
    }
    expect(value('tenantgate_decision_log_dropped_total')).toBe(1)
  })
})

describe('an error is a problem document', () => {
  const isProblem = (status: number) => ({
    status,
    type: expect.stringMatching(/^application\/problem\+json/) as string,
  })

  it.each(['/', '/nothing', '/livez/', '/LIVEZ', '/metrics/../livez2', '/api/v1/users/u1'])(
    '404 for %s, without repeating it',
    async (path) => {
      const { get } = await serve()
      const answer = await get(path)
      expect(answer).toMatchObject(isProblem(404))
      expect(JSON.parse(answer.text)).toEqual({
        type: 'about:blank',
        title: 'There is nothing here',
        status: 404,
      })
    },
  )

  it.each(['POST', 'PUT', 'DELETE', 'PATCH'])('404 for %s /livez', async (method) => {
    const { get } = await serve()
    expect(await get('/livez', { method })).toMatchObject(isProblem(404))
  })

  it.each<[string, Partial<HttpServerOptions>, string]>([
    ['readiness', { readiness: () => fault('the password is hunter2') }, '/readyz'],
    [
      'metrics',
      { metrics: () => Promise.reject(new Error('the password is hunter2')) },
      '/metrics',
    ],
  ])(
    '500 for a fault of %s, which is told to us and not to the client',
    async (_t, options, path) => {
      const { get, faults } = await serve(options)
      const answer = await get(path)
      expect(answer).toMatchObject(isProblem(500))
      expect(JSON.parse(answer.text)).toEqual({
        type: 'about:blank',
        title: 'Internal error',
        status: 500,
      })
      expect(faults).toMatchObject([{ message: 'the password is hunter2' }])
      expect(await get('/livez')).toMatchObject({ status: 200 })
    },
  )

  it('400 for a body that cannot be read, and it is no fault of ours', async () => {
    const { get, faults } = await serve()
    const init = { method: 'POST', body: '{', headers: { 'content-type': 'application/json' } }
    const answer = await get('/nothing', init)
    expect(answer).toMatchObject({ type: isProblem(400).type })
    expect(answer.status).toBeGreaterThanOrEqual(400)
    expect(answer.status).toBeLessThan(500)
    expect(faults).toEqual([])
  })

  it('400 for a path that cannot be decoded', async () => {
    const { get, faults } = await serve()
    expect(await get('/%zz')).toMatchObject(isProblem(400))
    expect(faults).toEqual([])
  })

  it('400 for what is no HTTP, and the server lives on', async () => {
    const { server, get } = await serve()
    expect(await rawAnswer(server, 'NONSENSE\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /)
    expect(
      await rawAnswer(
        server,
        `GET /livez HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(100_000)}\r\n\r\n`,
      ),
    ).toMatch(/^HTTP\/1\.1 431 /)
    expect(await get('/livez')).toMatchObject({ status: 200 })
  })

  function fault(message: string): never {
    throw new Error(message)
  }
})

describe('the server', () => {
  it.each(['127.0.0.1', '::1', 'localhost'])('says on %s which port it got', async (host) => {
    const { server } = await serve({ listen: { host, port: 0 } })
    expect(server.address).toMatch(/:[1-9]\d*$/)
    expect((await fetch(`http://${server.address}/livez`)).status).toBe(200)
  })

  it('rejects where the port is taken', async () => {
    const { server } = await serve()
    const port = Number(server.address.split(':')[1])
    await expect(serve({ listen: { host: '127.0.0.1', port } })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(String(port)) as string,
    })
  })

  it('closes in time although a client keeps its connection', async () => {
    const server = await startHttpServer({
      listen: onPort,
      tls: undefined,
      readiness: () => ({ status: 'ready', components: {} }),
      metrics: createMetrics().expose,
      onFault: () => undefined,
    })
    await fetch(`http://${server.address}/livez`) // fetch keeps it alive
    const silent = connect(Number(server.address.split(':')[1]), '127.0.0.1')
    silent.on('error', () => undefined)
    await once(silent, 'connect')
    expect((await timed(server.close())).ms).toBeLessThan(3_000)
    await expect(fetch(`http://${server.address}/livez`)).rejects.toBeDefined()
    silent.destroy()
  })
})

describe('a close', () => {
  it.each([
    ['half a head', 'GET /livez HTTP/1.1\r\nhost: x\r\n'],
    ['half a body', 'POST /livez HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nab'],
    ['a request that is not answered', 'GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n'],
  ])('does not wait for a client that has sent %s', async (_title, bytes) => {
    const { server } = await serve({ metrics: () => new Promise(() => undefined) })
    const socket = connect(Number(server.address.split(':').at(-1)), '127.0.0.1')
    socket.on('error', () => undefined)
    await once(socket, 'connect')
    socket.write(bytes)
    // Answered on a second connection: by then the first one's bytes have been read.
    await fetch(`http://${server.address}/livez`)
    expect((await timed(server.close())).ms).toBeLessThan(3_000)
    socket.destroy()
  })
})
