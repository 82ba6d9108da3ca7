import { describe, expect, it } from 'vitest'
import { readUpstreamAddress } from '../../src/domain/upstream-address.ts'

describe('the address of an upstream', () => {
  it.each([
    ['http://leave:8080', { tls: false, host: 'leave', port: 8080, ip: undefined }],
    ['http://leave', { tls: false, host: 'leave', port: 80, ip: undefined }],
    ['https://Pay.Example.com/', { tls: true, host: 'pay.example.com', port: 443, ip: undefined }],
    ['https://pay:80', { tls: true, host: 'pay', port: 80, ip: undefined }],
    ['http://10.0.0.1:1', { tls: false, host: '10.0.0.1', port: 1, ip: 4 }],
    ['https://[fd00::1]:8443', { tls: true, host: 'fd00::1', port: 8443, ip: 6 }],
  ])('%s', (text, address) => {
    expect(readUpstreamAddress(text)).toEqual(address)
  })

  it.each([
    ['http://leave:99999', 'is no address'],
    ['http://leave:0', 'has port 0'],
    ['http://[::1', 'is no address'],
    ['http://a%00b', 'is no address'],
    ['http://a*b', 'names no host'],
    ['http://user:hunter2@leave', 'without user and password'],
  ])('%s is none', (text, why) => {
    const reading = readUpstreamAddress(text)
    expect(reading).toEqual({ why: expect.stringContaining(why) as string })
    expect(JSON.stringify(reading)).not.toContain('hunter2')
  })
})
