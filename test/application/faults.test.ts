import { describe, expect, it } from 'vitest'
import { messageOf, publicMessageOf } from '../../src/application/faults.ts'

describe('what is said of a fault to whoever asks', () => {
  it.each([
    ['PostgreSQL: getaddrinfo ENOTFOUND db.internal.example', 'cannot be reached (ENOTFOUND)'],
    ['PostgreSQL: connect ECONNREFUSED 10.0.0.7:5432', 'cannot be reached (ECONNREFUSED)'],
    ['certificate: UNABLE_TO_VERIFY: x', 'certificate: UNABLE_TO_VERIFY: x'],
    [
      "DATABASE_URL lacks Better Auth's table members",
      "DATABASE_URL lacks Better Auth's table members",
    ],
  ])('%s', (message, said) => {
    expect(publicMessageOf(new Error(message))).toBe(said)
    expect(messageOf(new Error(message))).toBe(message)
  })
})
