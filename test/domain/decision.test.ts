import { describe, expect, it } from 'vitest'
import { denyReasons, statusOf, titleOf } from '../../src/domain/decision.ts'

/** The reasons and their HTTP status as contract section 4 lists them, step by step. */
const contract = [
  ['bad_request', 400],
  ['ambiguous_path', 400],
  ['no_route', 403],
  ['missing_credential', 401],
  ['malformed_credential', 401],
  ['invalid_token', 401],
  ['expired_token', 401],
  ['tenant_mismatch', 403],
  ['unknown_user', 403],
  ['banned', 403],
  ['not_a_member', 403],
  ['permission_denied', 403],
  ['unavailable', 503],
] as const

describe('the reasons of a refusal', () => {
  it('are these, in the order of the steps', () => {
    expect(denyReasons).toEqual(contract.map(([reason]) => reason))
  })

  it.each(contract)('%s is answered with %i', (reason, status) => {
    expect(statusOf(reason)).toBe(status)
    expect(titleOf(reason)).not.toBe('')
  })

  it('a grant is answered with 200', () => {
    expect(statusOf('granted')).toBe(200)
  })
})
