import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Instance } from '../../support/instance.ts'
import { startPlatform, type Platform } from '../../support/platform.ts'
import { startTcpProxy, type TcpProxy } from '../../support/tcp-proxy.ts'

/** A Bind message names its statement right after the portal's empty name. */
const boundStatement = /\0(tenantgate_facts?)_\w+\0/g

let platform: Platform
let instance: Instance
let counting: TcpProxy
const bound: string[] = []
beforeAll(async () => {
  platform = await startPlatform()
  counting = await startTcpProxy(platform.postgres.url, {
    onSent(bytes) {
      for (const [, name = ''] of bytes.toString('latin1').matchAll(boundStatement)) {
        bound.push(name)
      }
    },
  })
  instance = await platform.start({ DATABASE_URL: counting.url, TENANTGATE_VERIFY_AFTER: '60s' })
})
afterAll(async () => {
  await platform.close()
  await counting.close()
})

it('500 first requests of one subject at once read PostgreSQL once', async () => {
  const [warm, person] = await platform.people.add(2)
  if (warm === undefined || person === undefined) throw new Error('nobody was added')
  await instance.ask(warm, 'cache')
  bound.length = 0
  const routes = ['cache', 'claims', 'verified'] as const
  const verdicts = await Promise.all(
    Array.from({ length: 500 }, (_, index) => instance.ask(person, routes[index % 3] ?? 'cache')),
  )
  expect(new Set(verdicts.map(({ reason }) => reason))).toEqual(new Set(['granted']))
  expect(bound).toEqual(['tenantgate_fact'])
})

it('on a database route each reads for itself', async () => {
  const [person] = await platform.people.add(1)
  if (person === undefined) throw new Error('nobody was added')
  bound.length = 0
  const verdicts = await Promise.all(
    Array.from({ length: 10 }, () => instance.ask(person, 'database')),
  )
  expect(new Set(verdicts.map(({ reason }) => reason))).toEqual(new Set(['granted']))
  expect(bound).toHaveLength(10)
})
