import { describe, expect, it } from 'vitest'
import { createRedactor, isLocal, placeOf } from '../../src/application/doctor-address.ts'

describe('addresses', () => {
  it.each([
    [
      'postgres://u:hunter2@db.example.com:5432/app?password=x',
      'postgres://db.example.com:5432/app',
    ],
    ['redis://:hunter2@127.0.0.1:6379', 'redis://127.0.0.1:6379'],
    ['nonsense', 'an address that is no URL'],
  ])('%s is shown as %s', (url, place) => {
    expect(placeOf(url)).toBe(place)
  })

  it.each([
    ['redis://localhost', true],
    ['postgres://127.9.0.1/x', true],
    ['postgres://[::1]:5432/x', true],
    ['postgres:///app?host=/var/run/postgresql', true],
    ['postgres://127.example.com/x', false],
    ['redis://10.0.0.1', false],
  ])('%s is on this machine: %s', (url, local) => {
    expect(isLocal(url)).toBe(local)
  })

  it('passwords of URLs are taken out of texts in every spelling', () => {
    const redact = createRedactor(
      ['the-secret'],
      ['postgres://u:p%40ss@h/db', 'nats://tok%21en@h', 'redis://only-a-user@h'],
    )
    expect(redact('a p@ss, a p%40ss, the-secret, tok!en, tok%21en and only-a-user')).toBe(
      'a ***, a ***, ***, ***, *** and only-a-user',
    )
  })
})
