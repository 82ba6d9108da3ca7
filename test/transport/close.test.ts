import { describe, expect, it } from 'vitest'
import { authorizationClient, httpRequestBytes } from '../support/authorization-client.ts'
import { observed, openPolicy, startServer } from '../support/authorization-server.ts'
import { eventually, timed } from '../support/eventually.ts'
import { service } from 'grpc-health-check'

const open = httpRequestBytes({ method: 'GET', path: '/open' })

describe('a server that closes', () => {
  it('finishes the checks under way and takes no new ones', async () => {
    const gate = Promise.withResolvers<undefined>()
    let asked = 0
    const server = await startServer({
      deadlineMs: 5_000,
      check: async (request) => {
        asked += 1
        if (asked > 1) await gate.promise
        return observed(openPolicy, request)
      },
    })
    const client = authorizationClient(server.address)
    await client.check(open) // connected
    const underWay = [client.check(open), client.check(open)]
    await eventually(() => asked === 3)

    const closing = server.close()
    const late = authorizationClient(server.address)
    await expect(late.check(open, { timeoutMs: 200 })).rejects.toBeDefined()
    late.close()
    expect(asked).toBe(3)
    gate.resolve(undefined)
    for (const answer of await Promise.all(underWay)) expect(answer.code).toBe(0)
    await closing
    client.close()
  })

  it('closes at once where nothing is under way', async () => {
    const server = await startServer({ deadlineMs: 20_000 })
    const client = authorizationClient(server.address)
    await client.check(open)
    expect((await timed(server.close())).ms).toBeLessThan(1_000)
    client.close()
  })

  it('does not wait for ever for who watches its health', async () => {
    const server = await startServer({ deadlineMs: 100 })
    const client = authorizationClient(server.address)
    const { path, requestSerialize, responseDeserialize } = service['Watch'] as never as {
      readonly path: string
      readonly requestSerialize: (value: object) => Buffer
      readonly responseDeserialize: (bytes: Buffer) => object
    }
    const watch = client.health.makeServerStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      { service: '' },
    )
    const ended = new Promise((resolve) => watch.once('error', resolve))
    await new Promise((resolve) => watch.once('data', resolve))
    expect((await timed(server.close())).ms).toBeLessThan(3_000)
    await ended
    client.close()
  })

  it('does not wait for ever for a check that hangs', async () => {
    let asked = 0
    const server = await startServer({
      deadlineMs: 100,
      check: () => {
        asked += 1
        return new Promise(() => undefined)
      },
    })
    const client = authorizationClient(server.address)
    const hanging = timed(client.check(open))
    await eventually(() => asked === 1)
    expect((await timed(server.close())).ms).toBeLessThan(3_000)
    await hanging
    client.close()
  })
})
