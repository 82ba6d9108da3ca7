import { expect, it } from 'vitest'
import { faultOf } from '../../bench/harness/correctness.ts'
import type { Answer } from '../support/authorization-client.ts'

const answer: Answer = {
  ...{ code: 0, kind: 'ok_response', httpStatus: undefined, overwrites: true, remove: [] },
  headers: [
    ['x-user-id', 'u1'],
    ['x-org-role', 'staff'],
  ],
  ...{ body: undefined, metadata: {} },
}
const denial: Answer = { ...answer, code: 7, kind: 'denied_response', httpStatus: 403, headers: [] }

it.each([
  ['an allow with its headers', answer, 'allow', undefined],
  ['an allow without a user', { ...answer, headers: [] }, 'allow', 'x-user-id is missing or wrong'],
  [
    'an allow in another role',
    { ...answer, headers: [answer.headers[0] ?? [], ['x-org-role', 'viewer']] },
    ...['allow', 'x-org-role is missing or wrong'],
  ],
  ['a denial where an allow is due', denial, 'allow', 'denied with 403'],
  ['a denial', denial, 'deny', undefined],
  ['an allow where a denial is due', answer, 'deny', 'allowed'],
  ['a code without a denial', { ...denial, kind: undefined }, 'deny', 'allowed'],
  ['a server that cannot decide', { ...denial, httpStatus: 503 }, 'deny', 'denied with 503'],
] as const)('%s', (_title, given, expected, fault) => {
  expect(faultOf(given as Answer, expected, 'u1')).toBe(fault)
})
