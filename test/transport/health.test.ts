import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { status, type ClientReadableStream, type ServiceError } from '@grpc/grpc-js'
import { service } from 'grpc-health-check'
import type { AuthorizationServer } from '../../src/adapters/envoy/grpc-js-server.ts'
import { authorizationClient, type AuthorizationClient } from '../support/authorization-client.ts'
import { startServer } from '../support/authorization-server.ts'
import { eventually } from '../support/eventually.ts'

const authorization = 'envoy.service.auth.v3.Authorization'

interface HealthAnswer {
  readonly status: string
}

let server: AuthorizationServer
let client: AuthorizationClient

beforeAll(async () => {
  server = await startServer()
  client = authorizationClient(server.address)
})
afterAll(async () => {
  client.close()
  await server.close()
})
beforeEach(() => server.setServing(false))

function healthOf(name: string): Promise<string> {
  const { path, requestSerialize, responseDeserialize } = service['Check'] as never as {
    readonly path: string
    readonly requestSerialize: (value: object) => Buffer
    readonly responseDeserialize: (bytes: Buffer) => HealthAnswer
  }
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  client.health.makeUnaryRequest(
    path,
    requestSerialize,
    responseDeserialize,
    { service: name },
    (error: ServiceError | null, answer?: HealthAnswer) => {
      if (answer === undefined) reject(error ?? new Error('neither error nor answer'))
      else resolve(answer.status)
    },
  )
  return promise
}

/** Everything a Watch says until it is cancelled. */
function watch(name: string): { readonly said: readonly string[]; readonly cancel: () => void } {
  const { path, requestSerialize, responseDeserialize } = service['Watch'] as never as {
    readonly path: string
    readonly requestSerialize: (value: object) => Buffer
    readonly responseDeserialize: (bytes: Buffer) => HealthAnswer
  }
  const stream: ClientReadableStream<HealthAnswer> = client.health.makeServerStreamRequest(
    path,
    requestSerialize,
    responseDeserialize,
    { service: name },
  )
  const said: string[] = []
  stream.on('data', (answer: HealthAnswer) => said.push(answer.status))
  stream.on('error', () => undefined) // it is cancelled in the end
  return { said, cancel: () => stream.cancel() }
}

describe.each([
  ['the server', ''],
  ['the Authorization service', authorization],
])('the health of %s', (_title, name) => {
  it('is NOT_SERVING at the start', async () => {
    const fresh = await startServer()
    const other = authorizationClient(fresh.address)
    const before = client
    try {
      client = other
      expect(await healthOf(name)).toBe('NOT_SERVING')
    } finally {
      client = before
      other.close()
      await fresh.close()
    }
  })

  it('is what was set', async () => {
    server.setServing(true)
    expect(await healthOf(name)).toBe('SERVING')
    server.setServing(false)
    expect(await healthOf(name)).toBe('NOT_SERVING')
  })

  it('is told to who watches it, as it changes', async () => {
    const watching = watch(name)
    await eventually(() => watching.said.length === 1)
    server.setServing(true)
    await eventually(() => watching.said.length === 2)
    server.setServing(false)
    await eventually(() => watching.said.length === 3)
    watching.cancel()
    expect(watching.said).toEqual(['NOT_SERVING', 'SERVING', 'NOT_SERVING'])
  })
})

describe('the health of any other service', () => {
  it('is SERVICE_UNKNOWN to who watches it, and stays so', async () => {
    const watching = watch('other')
    await eventually(() => watching.said.length === 1)
    server.setServing(true)
    expect(await healthOf('')).toBe('SERVING')
    watching.cancel()
    expect(watching.said).toEqual(['SERVICE_UNKNOWN'])
  })

  it.each(['other', 'envoy.service.auth.v2.Authorization', `${authorization} `, 'toString'])(
    'is NOT_FOUND: %j',
    async (name) => {
      server.setServing(true)
      await expect(healthOf(name)).rejects.toMatchObject({ code: status.NOT_FOUND })
    },
  )
})
