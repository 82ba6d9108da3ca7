import { describe, expect, it } from 'vitest'
import { createBoundedMap } from '../../src/adapters/lru/bounded-map.ts'
import { createTokenMemory } from '../../src/application/token-memory.ts'
import { readIdentity, type Identity } from '../../src/domain/identity.ts'
import { nowMs, nowS, tokenOf, uncheckedRules } from '../support/builders.ts'

function identityOf(subject: string, expiresAtS = nowS + 840): Identity {
  const reading = readIdentity(tokenOf({ sub: subject, exp: expiresAtS }), uncheckedRules, nowMs)
  if (!('identity' in reading)) throw new Error(reading.why)
  return reading.identity
}

const memoryOf = (maxEntries = 10, maxBytes = 1_000_000) =>
  createTokenMemory({ createMap: createBoundedMap, maxEntries, maxBytes })

describe('the memory of tokens', () => {
  it('knows a token as a whole', () => {
    const memory = memoryOf()
    const identity = identityOf('u1')
    memory.set('head.body.signature', identity, memory.epoch())
    expect(memory.get('head.body.signature', nowMs)).toBe(identity)
    expect(memory.get('head.other.signature', nowMs)).toBeUndefined()
    expect(memory.get('signature', nowMs)).toBeUndefined()
  })

  it.each([
    ['keeps a token until it expires', -1, 1],
    ['forgets one as it expires, once it was asked for', 0, 0],
    ['forgets one that has expired, once it was asked for', 60_000, 0],
  ])('%s', (_title, afterMs, entries) => {
    const memory = memoryOf()
    memory.set('t', identityOf('u1'), memory.epoch())
    const askedMs = (nowS + 840) * 1_000 + afterMs
    // Told all the same: that it has expired is for the check to say.
    expect(memory.get('t', askedMs)?.subject).toBe('u1')
    expect(memory.usage().entries).toBe(entries)
    expect(memory.get('t', askedMs) === undefined).toBe(entries === 0)
  })

  it('forgets all where the keys have changed', () => {
    const memory = memoryOf()
    memory.set('t1', identityOf('u1'), memory.epoch())
    memory.set('t2', identityOf('u2'), memory.epoch())
    memory.clear()
    expect(memory.get('t1', nowMs)).toBeUndefined()
    expect(memory.usage()).toMatchObject({ entries: 0, bytes: 0 })
  })

  it('keeps nothing that was verified before the keys changed', () => {
    const memory = memoryOf()
    const epoch = memory.epoch()
    memory.clear()
    memory.set('t1', identityOf('u1'), epoch)
    expect(memory.usage().entries).toBe(0)
    memory.set('t1', identityOf('u1'), memory.epoch())
    expect(memory.usage().entries).toBe(1)
  })

  it('keeps no more than so many, those that were used last', () => {
    const memory = memoryOf(2)
    memory.set('t1', identityOf('u1'), memory.epoch())
    memory.set('t2', identityOf('u2'), memory.epoch())
    memory.get('t1', nowMs)
    memory.set('t3', identityOf('u3'), memory.epoch())
    expect(['t1', 't2', 't3'].map((token) => memory.get(token, nowMs)?.subject)).toEqual([
      'u1',
      undefined,
      'u3',
    ])
  })

  it('keeps no more than so many bytes, of which long tokens take more', () => {
    const memory = memoryOf(100, 10_000)
    memory.set('short', identityOf('u1'), memory.epoch())
    expect(memory.usage()).toMatchObject({ entries: 1, bytes: 1_010 })
    memory.set('x'.repeat(4_000), identityOf('u2'), memory.epoch())
    expect(memory.usage()).toMatchObject({ entries: 1, bytes: 9_000 })
    memory.set('x'.repeat(5_000), identityOf('u3'), memory.epoch())
    expect(memory.get('x'.repeat(5_000), nowMs)).toBeUndefined()
    expect(memory.usage().entries).toBe(1)
  })

  it('counts how often it held what it was asked for', () => {
    const memory = memoryOf()
    memory.set('t', identityOf('u1'), memory.epoch())
    for (const token of ['t', 'other', 't', 'another', 't']) {
      if (memory.get(token, nowMs) === undefined) memory.missed()
    }
    expect(memory.usage()).toMatchObject({ hits: 3, misses: 2 })
  })
})

describe('what is recognised by its bytes', () => {
  const text = 'Bearer head.body.signature'
  const recognise = (memory: ReturnType<typeof memoryOf>, of = text) => {
    const bytes = Buffer.from(`..${of}..`)
    return memory.recognise(bytes, 2, bytes.length - 2)
  }
  const known = (memory = memoryOf()) => {
    const identity = identityOf('u1')
    memory.set(text, identity, memory.epoch())
    memory.get(text, nowMs)
    return { identity, memory }
  }

  it('is what came a second time', () => {
    const memory = memoryOf()
    memory.set(text, identityOf('u1'), memory.epoch())
    expect(recognise(memory)).toBeUndefined()
    memory.get(text, nowMs)
    expect(recognise(memory)?.text).toBe(text)
    expect(recognise(memory, text.replace('head', 'Head'))).toBeUndefined()
  })

  it('is worth what the memory holds of it', () => {
    const { identity, memory } = known()
    expect(memory.recall(recognise(memory), nowMs)).toBe(identity)
    expect(memory.usage().hits).toBe(2)
    expect(memory.recall(undefined, nowMs)).toBeUndefined()
    expect(memory.recall({ text }, nowMs)).toBeUndefined()
  })

  it('is worth nothing to another memory', () => {
    const { memory } = known()
    expect(known().memory.recall(recognise(memory), nowMs)).toBeUndefined()
  })

  it.each<[string, (memory: ReturnType<typeof memoryOf>) => void]>([
    ['the keys have changed', (memory) => memory.clear()],
    [
      'it had to make room',
      (memory) => {
        for (const token of ['t2', 't3', 't4']) memory.set(token, identityOf(token), memory.epoch())
      },
    ],
    ['it was verified anew', (memory) => memory.set(text, identityOf('u2'), memory.epoch())],
    ['it was asked for as it expired', (memory) => memory.get(text, (nowS + 840) * 1_000)],
  ])('is worth nothing once %s', (_title, forget) => {
    const { memory } = known(memoryOf(2))
    const recognised = recognise(memory)
    forget(memory)
    expect(memory.recall(recognised, nowMs)).toBeUndefined()
    expect(recognise(memory)).toBeUndefined()
  })

  it('is told as it expires, and forgotten', () => {
    const { identity, memory } = known()
    const recognised = recognise(memory)
    expect(memory.recall(recognised, (nowS + 840) * 1_000)).toBe(identity)
    expect(memory.recall(recognised, nowMs)).toBeUndefined()
    expect(memory.usage().entries).toBe(0)
  })

  it('counts as used, so that it is not what makes room', () => {
    const { memory } = known(memoryOf(2))
    memory.set('t2', identityOf('u2'), memory.epoch())
    memory.recall(recognise(memory), nowMs)
    memory.set('t3', identityOf('u3'), memory.epoch())
    expect(['t2', 't3'].map((token) => memory.get(token, nowMs)?.subject)).toEqual([
      undefined,
      'u3',
    ])
    expect(recognise(memory)?.text).toBe(text)
  })
})
