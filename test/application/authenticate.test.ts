import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  createAuthenticate,
  type Authentication,
  type AuthenticateDeps,
} from '../../src/application/authenticate.ts'
import { AppError } from '../../src/domain/errors.ts'
import { timed } from '../support/eventually.ts'
import {
  bearer,
  factOf,
  nowMs,
  nowS,
  simulatedTokens,
  tokenOf,
  uncheckedRules,
} from '../support/builders.ts'

const inTime = (): AbortSignal => new AbortController().signal

/** Authenticates with simulated ports; the header is a bearer token unless told otherwise. */
async function authenticated(
  deps: Partial<AuthenticateDeps> = {},
  {
    header = bearer,
    signal = inTime(),
  }: { header?: string | undefined; signal?: AbortSignal } = {},
) {
  const faults: unknown[] = []
  const authenticate = createAuthenticate({
    tokens: simulatedTokens(),
    readFact: async () => factOf(['staff']),
    rules: uncheckedRules,
    now: () => nowMs,
    onFault: (cause) => faults.push(cause),
    ...deps,
  })
  return { answer: await authenticate({ authorization: header, signal }), faults }
}

const never = <T>(): Promise<T> => new Promise<T>(() => undefined)
const refused = (refusal: string): unknown => ({ refusal })

describe('a subject is authenticated', () => {
  it('with its identity, and the fact of it in its token’s organization', async () => {
    const asked: unknown[] = []
    const fact = factOf(['staff'], { platformRoles: ['admin'] })
    const { answer, faults } = await authenticated({
      readFact: async (pair) => {
        asked.push(pair)
        return fact
      },
    })
    expect(answer).toMatchObject({ identity: { subject: 'u1', organization: 'org-a' } })
    expect('fact' in answer && answer.fact).toBe(fact)
    expect(asked).toEqual([{ user: 'u1', organization: 'org-a' }])
    expect(faults).toEqual([])
  })

  it('without an organization, where the token names none', async () => {
    const asked: unknown[] = []
    const tokens = simulatedTokens(tokenOf({ organizationId: null }))
    const readFact: AuthenticateDeps['readFact'] = async (pair) => {
      asked.push(pair)
      return factOf([], { rows: [] })
    }
    const { answer } = await authenticated({ tokens, readFact })
    expect(answer).toMatchObject({ identity: { organization: null } })
    expect(asked).toEqual([{ user: 'u1', organization: null }])
  })
})

describe('a subject is refused as', () => {
  it.each<[string, string | undefined, string]>([
    ['no header', '', 'missing_credential'],
    ['white space', ' \t ', 'missing_credential'],
    ['another scheme', 'Basic dXNlcjpwdw==', 'malformed_credential'],
    ['what is no JWS', 'Bearer abc', 'malformed_credential'],
    ['two headers, joined', `${bearer},${bearer}`, 'malformed_credential'],
    ['a token beyond 16 kB', `Bearer a.b.${'c'.repeat(16_384)}`, 'malformed_credential'],
  ])('%s: without asking anybody', async (_title, header, refusal) => {
    const tokens = simulatedTokens()
    const { answer } = await authenticated({ tokens }, { header })
    expect(answer).toEqual(refused(refusal))
    expect(tokens.asked).toEqual([])
  })

  it.each<[string, AuthenticateDeps['tokens'], string]>([
    ['a wrong signature', simulatedTokens({ why: 'no' }), 'invalid_token'],
    ['an expired token', simulatedTokens(tokenOf({ exp: nowS })), 'expired_token'],
    ['no subject', simulatedTokens(tokenOf({ sub: undefined })), 'invalid_token'],
    ['another kind of JWT', simulatedTokens(tokenOf({}, { typ: 'id+jwt' })), 'invalid_token'],
  ])('%s: before any fact is read', async (_title, tokens, refusal) => {
    let reads = 0
    const readFact = async () => {
      reads += 1
      return factOf(['staff'])
    }
    expect((await authenticated({ tokens, readFact })).answer).toEqual(refused(refusal))
    expect(reads).toBe(0)
  })

  it('invalid_token where the issuer is not accepted', async () => {
    const rules = { issuers: ['https://auth.example.com'], audiences: [] }
    expect((await authenticated({ rules })).answer).toEqual(refused('invalid_token'))
  })

  it.each([
    ['unknown_user', factOf([], { user: false, rows: [], platformRoles: [] })],
    ['banned', factOf(['owner'], { banned: true, platformRoles: ['superadmin'] })],
  ])('%s, whatever its token says', async (refusal, fact) => {
    const tokens = simulatedTokens(tokenOf({ role: 'superadmin', orgRole: 'owner' }))
    const { answer } = await authenticated({ tokens, readFact: async () => fact })
    expect(answer).toEqual(refused(refusal))
  })
})

describe('a fault is unavailable:', () => {
  const outage = new AppError('DATABASE_UNAVAILABLE', 'down')
  it.each<[string, Partial<AuthenticateDeps>]>([
    ['keys that cannot be told', { tokens: simulatedTokens(outage) }],
    ['a fact that cannot be read', { readFact: () => Promise.reject(outage) }],
    [
      'a bug that throws at once',
      {
        readFact: () => {
          throw outage
        },
      },
    ],
  ])('%s, and it is told', async (_title, deps) => {
    const { answer, faults } = await authenticated(deps)
    expect(answer).toEqual(refused('unavailable'))
    expect(faults).toEqual([outage])
  })

  it.each<[string, Partial<AuthenticateDeps>]>([
    ['keys', { tokens: simulatedTokens(() => never()) }],
    ['facts', { readFact: () => never() }],
  ])('%s that do not answer in time', async (_title, deps) => {
    const { value, ms } = await timed(authenticated(deps, { signal: AbortSignal.timeout(30) }))
    expect(value?.answer).toEqual(refused('unavailable'))
    expect(ms).toBeLessThan(1_000)
  })

  it('time that was over before', async () => {
    const signal = AbortSignal.abort()
    expect((await authenticated({}, { signal })).answer).toEqual(refused('unavailable'))
  })

  it('an answer that comes with the end of the time', async () => {
    const controller = new AbortController()
    const readFact = async () => {
      controller.abort()
      return factOf(['staff'])
    }
    const { answer } = await authenticated({ readFact }, { signal: controller.signal })
    expect(answer).toEqual(refused('unavailable'))
  })
})

it('whatever comes of its ports, only a sound token of a sound user is authenticated', async () => {
  const verdicts = fc.constantFrom(
    ...[tokenOf(), tokenOf({ exp: nowS - 1 }), tokenOf({ sub: 7 }), { why: 'no' }, 'fault'],
  )
  const facts = fc.constantFrom(
    ...[factOf(['staff']), factOf([], { user: false }), factOf([], { banned: true }), 'fault'],
  )
  const headers = fc.constantFrom(bearer, '', 'Bearer', 'Basic x', bearer.toLowerCase())
  const outage = new AppError('KEYS_UNAVAILABLE', 'down')
  await fc.assert(
    fc.asyncProperty(verdicts, facts, headers, async (verdict, fact, header) => {
      const { answer } = await authenticated(
        {
          tokens: simulatedTokens(typeof verdict === 'string' ? outage : verdict),
          readFact: async () => {
            if (typeof fact === 'string') throw outage
            return fact
          },
        },
        { header },
      )
      const sound =
        header.startsWith('Bearer ') || header.startsWith('bearer ')
          ? typeof verdict !== 'string' &&
            'claims' in verdict &&
            verdict.claims['exp'] === nowS + 840 &&
            verdict.claims['sub'] === 'u1' &&
            typeof fact !== 'string' &&
            fact.user &&
            !fact.banned
          : false
      expect(isKnown(answer)).toBe(sound)
    }),
  )
})

const isKnown = (answer: Authentication): boolean => 'identity' in answer
