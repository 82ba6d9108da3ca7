import { parseDuration, splitList, type Environment, type Fault } from './config-values.ts'

/** How identity assertions are signed. */
export interface AssertionConfig {
  /** Keys follow from these: the first one's sign, all are published. */
  readonly secrets: readonly string[]
  /** How long a key signs, in ms. */
  readonly rotationMs: number
  /** The audience where no upstream is named. */
  readonly audience: string
}

const leastSecretLength = 32
/** Verifiers look for an unknown key every 2 s at most; the next key is published one epoch ahead. */
const leastRotationMs = 2_000
const defaultRotationMs = 86_400_000
const audienceForm = /^[\x21-\x7e]{1,255}$/
const secretVariable = 'TENANTGATE_ASSERTION_SECRET'

/**
 * Reads the variables of identity assertions; undefined: they are off.
 *
 * Without a secret of their own they take Better Auth's, the oldest first: while one is replaced, an
 * instance that has the new one as well goes on signing with what all others publish.
 */
export function readAssertion(
  env: Environment,
  betterAuthSecrets: readonly string[],
  fault: Fault,
): AssertionConfig | undefined {
  const text = (name: string): string => env[name]?.trim() ?? ''
  const mode = text('TENANTGATE_ASSERTION')
  if (!['', 'off', 'on'].includes(mode)) fault('TENANTGATE_ASSERTION', `"${mode}" is not off, on`)
  if (mode !== 'on') return undefined

  const own = splitList(text(secretVariable))
  const secrets = own.length > 0 ? own : betterAuthSecrets.toReversed()
  if (secrets.length === 0) {
    fault(secretVariable, 'needed with TENANTGATE_ASSERTION=on where no BETTER_AUTH_SECRET is set')
  } else if (secrets.some((secret) => secret.length < leastSecretLength)) {
    // Public keys let anybody try secrets without asking.
    const whose = own.length > 0 ? 'it' : 'the secret of Better Auth, which stands in for it,'
    fault(secretVariable, `${whose} has fewer than ${leastSecretLength} characters`)
  }
  return {
    secrets,
    rotationMs: readRotation(text('TENANTGATE_ASSERTION_ROTATION'), fault),
    audience: readAudience(text('TENANTGATE_ASSERTION_AUDIENCE'), fault),
  }
}

function readRotation(value: string, fault: Fault): number {
  if (value === '') return defaultRotationMs
  const ms = parseDuration(value)
  if (ms === undefined || ms < leastRotationMs) {
    fault('TENANTGATE_ASSERTION_ROTATION', `"${value}" is no duration of 2s or more: write 24h`)
  }
  return ms ?? defaultRotationMs
}

function readAudience(value: string, fault: Fault): string {
  const audience = value === '' ? 'upstream' : value
  if (!audienceForm.test(audience)) {
    fault('TENANTGATE_ASSERTION_AUDIENCE', 'it is one name of visible ASCII characters')
  }
  return audience
}
