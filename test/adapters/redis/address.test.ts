import { describe, expect, it } from 'vitest'
import { readRedisUrl } from '../../../src/adapters/redis/address.ts'

const none = { username: undefined, password: undefined, db: 0, tls: false }

describe('a Redis URL', () => {
  it.each([
    ['redis://cache', { ...none, host: 'cache', port: 6379 }],
    ['redis://10.0.0.1:7000/3', { ...none, host: '10.0.0.1', port: 7000, db: 3 }],
    ['redis://[::1]:7000/', { ...none, host: '::1', port: 7000 }],
    ['redis://:p%40ss@cache', { ...none, host: 'cache', port: 6379, password: 'p@ss' }],
    [
      'rediss://app:x@cache',
      { ...none, host: 'cache', port: 6379, username: 'app', password: 'x', tls: true },
    ],
    ['redis://cache?enableOfflineQueue=true&db=7', { ...none, host: 'cache', port: 6379 }],
  ])('%s is read', (url, address) => {
    expect(readRedisUrl(url)).toEqual(address)
  })

  it.each([
    '',
    'cache:6379',
    'http://u:secret@cache',
    'redis://u:secret@cache/x',
    'redis://u:secret%zz@cache',
    'redis://u:secret@cache/-1',
  ])('%j is refused, and its password not repeated', (url) => {
    const reading = () => readRedisUrl(url)
    expect(reading).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
    expect(reading).not.toThrow(/secret/)
  })
})
