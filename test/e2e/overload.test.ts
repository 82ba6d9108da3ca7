import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { keepAsking } from '../support/asking.ts'
import { startFlood } from '../support/flood.ts'
import { startHttpServer, type TestHttpServer } from '../support/http-server.ts'
import { requestBytes, tokenOf, type Instance, type Verdict } from '../support/instance.ts'
import type { Person } from '../support/people.ts'
import { startPlatform, type Platform } from '../support/platform.ts'
import { until } from '../support/poll.ts'
import { issuerKey, signedBy, type IssuerKey } from '../support/tokens.ts'

/** More than any machine verifies within the deadline, so that most of it has to be refused. */
const inFlight = 6_000
const connections = 2
const floodMs = 3_000
/** A machine that runs other tests too may be slow. */
const soonMs = 2_000

let platform: Platform
let instance: Instance
let jwks: TestHttpServer
let key: IssuerKey
let members: readonly Person[]

beforeAll(async () => {
  key = await issuerKey('EdDSA', 'k1')
  jwks = await startHttpServer((_request, response) =>
    response.end(JSON.stringify({ keys: [key.jwk] })),
  )
  platform = await startPlatform({
    TENANTGATE_GRPC_TRANSPORT: 'lean',
    TENANTGATE_DEADLINE: '1s',
    TENANTGATE_JWKS: jwks.url,
  })
  instance = await platform.start()
  members = await platform.people.add(60)
})
afterAll(async () => {
  await platform.close()
  await jwks.close()
})

const claimsOf = ({ organization, user }: Person, at = 0) => {
  const nowS = Math.floor(Date.now() / 1000)
  return { sub: user, organizationId: organization, iat: nowS - 60 - at, exp: nowS + 3_600 }
}
const newToken = (person: Person, at = 0): Promise<string> => signedBy(key, claimsOf(person, at))

/** Tokens of members that an attacker signed; nothing but their signatures is wrong. */
async function forged(signedAs: 'EdDSA' | 'HS256'): Promise<readonly Buffer[]> {
  const stranger = await issuerKey('EdDSA', key.kid)
  const tokens = await Promise.all(
    members.map((person) =>
      signedAs === 'EdDSA'
        ? signedBy(stranger, claimsOf(person))
        : Promise.resolve(tokenOf(person).replace(/.{5}$/, 'AAAAA')),
    ),
  )
  return tokens.flatMap((token, at) => {
    const person = members[at]
    return person === undefined ? [] : [requestBytes(person, 'claims', token)]
  })
}

const portOf = (address: string): number => Number(address.slice(address.lastIndexOf(':') + 1))
const reasons = (verdicts: readonly Verdict[]): readonly string[] => [
  ...new Set(verdicts.map(({ reason }) => reason)),
]

describe.each(['EdDSA', 'HS256'] as const)('a flood of forged %s tokens', (algorithm) => {
  it('keeps no known subject waiting, lets nobody in, and is over when it ends', async () => {
    const known = members.slice(0, 5)
    const first = await Promise.all(known.map((person) => instance.ask(person, 'claims')))
    expect(reasons(first)).toEqual(['granted'])

    const flood = startFlood({
      port: portOf(instance.process.grpcAddress),
      messages: await forged(algorithm),
      ...{ connections, inFlight },
    })
    try {
      await until(async () => (await flood.report()).answered > inFlight, {
        what: 'a flood',
        withinMs: 20_000,
      })
      const asking = known.map((person) => keepAsking(instance, person, 'claims'))
      const fresh: Verdict[] = []
      const endMs = performance.now() + floodMs
      for (let at = 0; performance.now() < endMs; at += 1) {
        const person = members[at % members.length] ?? { user: '', organization: '' }
        fresh.push(await instance.ask(person, 'claims', await newToken(person, at)))
        await pause(10)
      }
      const verdicts = (await Promise.all(asking.map((one) => one.stop()))).flat()
      const { answered, wrong } = await flood.report()

      expect(verdicts.length).toBeGreaterThan(20)
      // A machine that has no time for the process at all is no fault of the process.
      for (const reason of reasons(verdicts)) expect(['granted', 'unavailable']).toContain(reason)
      const granted = verdicts.filter(({ reason }) => reason === 'granted')
      expect(granted.length).toBeGreaterThan(0.95 * verdicts.length)
      expect(Math.max(...granted.map(({ ms }) => ms))).toBeLessThan(soonMs)
      expect(answered - wrong).toBe(0) // allowed
      // Of a good token nothing is said that was not found out.
      for (const reason of reasons(fresh)) expect(['granted', 'unavailable']).toContain(reason)
    } finally {
      await flood.stop()
    }

    const [person = { user: '', organization: '' }] = await platform.people.add(1)
    const token = await newToken(person)
    await until(async () => (await instance.ask(person, 'claims', token)).reason === 'granted', {
      what: 'a new subject that is let in after the flood',
      withinMs: soonMs,
    })
  })
})

it('of what could not be verified in time, nothing was found out', async () => {
  const decided = (reason: string): Promise<number> =>
    instance.metric('tenantgate_decisions_total', { decision: 'deny', reason, route: 'claims' })
  expect(await decided('unavailable')).toBeGreaterThan(0)
  expect(await decided('invalid_token')).toBeGreaterThan(0)
})
