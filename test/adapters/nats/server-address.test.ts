import { describe, expect, it } from 'vitest'
import { readServerAddress } from '../../../src/adapters/nats/server-address.ts'

describe('readServerAddress', () => {
  it.each([
    ['nats://nats', { servers: ['nats:4222'] }],
    ['nats:4333', { servers: ['nats:4333'] }],
    ['nats://10.0.0.1:1', { servers: ['10.0.0.1:1'] }],
    ['nats://[::1]:4222', { servers: ['[::1]:4222'] }],
    ['tls://nats:4443/', { servers: ['nats:4443'], tls: {} }],
    ['nats://u:p%40@a', { servers: ['a:4222'], user: 'u', pass: 'p@' }],
    ['nats://t%2Fk@a', { servers: ['a:4222'], token: 't/k' }],
    ['nats://a, nats://u:p@b:5 ,c', { servers: ['a:4222', 'b:5', 'c:4222'], user: 'u', pass: 'p' }],
  ])('reads %s', (url, address) => {
    expect(readServerAddress(url)).toEqual(address)
  })

  it.each([
    '',
    'nats://',
    'nats://u:s3cret@',
    'http://u:s3cret@a',
    'ws://u:s3cret@a',
    'nats://u:s3cret%zz@a',
    'nats://a,,b',
  ])('refuses %j without repeating it', (url) => {
    expect(() => readServerAddress(url)).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        message: expect.not.stringContaining('s3cret') as string,
      }),
    )
  })
})
