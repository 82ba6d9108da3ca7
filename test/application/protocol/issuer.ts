import type { Pair } from '../../../src/domain/fact.ts'
import type { VerifiedToken } from '../../../src/domain/identity.ts'
import type { Timeline } from './timeline.ts'
import { versionOf, type Truth, type Version } from './truth.ts'

/** A token, and what the issuer had seen when it wrote it. */
export interface Token {
  readonly text: string
  readonly pair: Pair
  readonly version: Version
  readonly issuedAtS: number
}

/** Better Auth's side: signs what it believes of a pair. */
export interface Issuer {
  /** Signs what was true so long ago: a session cache may lag. */
  readonly mint: (pair: Pair, lagMs: number) => Token
  readonly verify: (text: string) => VerifiedToken
}

/** How long a token holds, in s. */
const lifeS = 7_200

/** Makes an issuer whose clock is so far from the true time. */
export function createIssuer(deps: {
  readonly timeline: Timeline
  readonly truth: Truth
  readonly skewMs: number
}): Issuer {
  const tokens = new Map<string, VerifiedToken>()
  return {
    mint(pair, lagMs) {
      const nowMs = deps.timeline.nowMs()
      const fact = deps.truth.read(pair, nowMs - lagMs, nowMs)
      const issuedAtS = Math.floor((nowMs + deps.skewMs) / 1000)
      const text = `t.${tokens.size}.s`
      tokens.set(text, {
        header: { alg: 'HS256', typ: 'JWT' },
        claims: {
          sub: pair.user,
          organizationId: pair.organization,
          orgRole: fact.rows[0] ?? null,
          iat: issuedAtS,
          exp: issuedAtS + lifeS,
        },
      })
      return { text, pair, version: versionOf(fact), issuedAtS }
    },
    verify(text) {
      const token = tokens.get(text)
      if (token === undefined) throw new Error('a token that nobody signed')
      return token
    },
  }
}
