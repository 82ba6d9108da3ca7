import type { Check } from '../../application/doctor.ts'
import { counted, error, ok, warn, type Finding } from '../../domain/finding.ts'
import type { KeySource } from '../../ports/key-source.ts'
import { usableKeys } from './public-keys.ts'

/** What tokens are verified with. */
export interface KeyDoctorDeps {
  readonly secrets: readonly string[]
  /** A URL, or `postgres`; undefined: no public keys. */
  readonly jwks: string | undefined
  readonly issuers: readonly string[]
  readonly audiences: readonly string[]
}

/** RFC 7518 section 3.2: a key of HS256 has 256 bits or more. */
const leastLength = 32

/** Looks at what the configuration alone tells of keys. */
export function examineKeys(deps: KeyDoctorDeps): readonly Finding[] {
  const findings: Finding[] = []
  if (deps.secrets.length > 0) findings.push(secretLength(deps.secrets))
  else findings.push(ok('keys.secret', 'no secret: HS256 tokens are refused, public keys are used'))
  findings.push(checked('issuer', deps.issuers), checked('audience', deps.audiences))
  if (deps.jwks?.startsWith('http:') === true && !onThisMachine(deps.jwks)) {
    findings.push(
      warn('keys.transport', 'the JWKS is read over http://', {
        why: 'who is on the way can put a key of his own into it, and then sign any token',
        mend: 'TENANTGATE_JWKS=https://…   # the same path, with TLS',
      }),
    )
  }
  return findings
}

function onThisMachine(url: string): boolean {
  const host = URL.parse(url)?.hostname ?? ''
  return host === 'localhost' || host === '[::1]' || host.startsWith('127.')
}

function secretLength(secrets: readonly string[]): Finding {
  const name = 'keys.secret'
  const short = secrets.filter((secret) => secret.length < leastLength).length
  const all = counted(secrets.length, 'HS256 secret')
  if (short === 0) return ok(name, `${all} of ${leastLength} characters or more`)
  return warn(name, `${short} of ${all} with fewer than ${leastLength} characters`, {
    why: 'who has one token can guess a short secret without asking anybody, and then sign any token',
    mend: 'openssl rand -base64 48   # then BETTER_AUTH_SECRETS=2:NEW,1:OLD here and in Better Auth, until old tokens have ended',
  })
}

function checked(what: 'issuer' | 'audience', accepted: readonly string[]): Finding {
  const name = `keys.${what}`
  if (accepted.length > 0) return ok(name, accepted.join(', '))
  return warn(name, `the ${what} of tokens is not checked`, {
    why: 'a token that the same key signed for something else, as a session cookie, is taken for one of these',
    mend: `BETTER_AUTH_URL=https://…   # Better Auth's base URL; or TENANTGATE_JWT_${what.toUpperCase()}=…`,
  })
}

/** Looks at the public keys: whether they can be read, and whether any of them is of use. */
export function publicKeyCheck(source: KeySource, where: string): Check {
  const name = 'keys.jwks'
  return {
    name,
    doubt: 'error',
    run: async () => {
      const published = await source.load()
      const usable = usableKeys(published)
      if (usable.length === 0) {
        return [
          error(name, `${where} holds ${counted(published.length, 'key')}, none of use`, {
            why: 'no token but those of a secret can be verified: all others are answered 503',
            mend: 'curl -s BETTER_AUTH_URL/api/auth/token   # Better Auth makes its first key when it signs a token: EdDSA, ES256, ES512, PS256 or RS256',
          }),
        ]
      }
      const algorithms = [...new Set(usable.map(({ alg }) => alg ?? ''))].join(', ')
      return [ok(name, `${where}: ${counted(usable.length, 'usable key')} (${algorithms})`)]
    },
  }
}
