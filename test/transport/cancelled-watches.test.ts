import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
import { service } from 'grpc-health-check'
import { authorizationClient, type AuthorizationClient } from '../support/authorization-client.ts'
import { serve } from '../support/authorization-server.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

const atOnce = 50
/** With more resets than 1,000 in a row, nghttp2 takes a client for an attacker. */
const onConnection = 500
const { path, requestSerialize, responseDeserialize } = service['Watch'] as never as {
  readonly path: string
  readonly requestSerialize: (value: object) => Buffer
  readonly responseDeserialize: (bytes: Buffer) => object
}

/** Watches, and cancels once the first status is there; rejects if none comes. */
function watchOnce({ health }: AuthorizationClient, name: string): Promise<undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<undefined>()
  const call = health.makeServerStreamRequest(path, requestSerialize, responseDeserialize, {
    service: name,
  })
  let isTold = false
  call.once('data', () => {
    isTold = true
    call.cancel()
  })
  call.once('error', (error) => (isTold ? resolve(undefined) : reject(error)))
  return promise
}

async function watchMany(address: string, count: number, name: string): Promise<void> {
  for (let done = 0; done < count; done += onConnection) {
    const client = authorizationClient(address)
    for (let watched = 0; watched < onConnection; watched += atOnce) {
      await Promise.all(Array.from({ length: atOnce }, () => watchOnce(client, name)))
    }
    client.close()
  }
}

/** What is on the heap and in use, once nothing that was cancelled is under way any more. */
async function heldBytes(): Promise<number> {
  for (let turn = 0; turn < 5; turn += 1) {
    await new Promise((resolve) => setTimeout(resolve, 20))
    collect()
  }
  return process.memoryUsage().heapUsed
}

/** What a watch leaves behind, in bytes; what is compiled or grows on the way makes it less exact. */
async function leftOf(address: string, name: string): Promise<number> {
  const count = 2_000
  const before = await heldBytes()
  await watchMany(address, count, name)
  return ((await heldBytes()) - before) / count
}

it.each(['', 'other'])('a watch of %j that was cancelled is not kept', async (name) => {
  const { address } = (await serve()).server
  await watchMany(address, 1_000, name)
  // One that is kept takes 260 bytes or more, in every round; other things grow or shrink once.
  const left: number[] = []
  for (let round = 0; round < 3; round += 1) left.push(await leftOf(address, name))
  expect(left.sort((a, b) => a - b)[1]).toBeLessThan(130)
})
