import { describe, expect, it } from 'vitest'
import { CheckEnd } from '../../../src/adapters/envoy/check-end.ts'

function setUp() {
  const end = new CheckEnd()
  const called: string[] = []
  const listener = (name: string) => (): void => void called.push(name)
  return { called, end, listener }
}

describe('the end of a check', () => {
  it('is told once to each who listens', () => {
    const { called, end, listener } = setUp()
    end.addEventListener('abort', listener('a'))
    end.addEventListener('abort', listener('b'))
    expect(end.aborted).toBe(false)
    end.abort()
    end.abort()
    expect([end.aborted, called]).toEqual([true, ['a', 'b']])
  })

  it('is not told to who listens no more, also where he goes while it is told', () => {
    const { called, end, listener } = setUp()
    const [gone, late] = [listener('gone'), listener('late')]
    end.addEventListener('abort', gone)
    end.addEventListener('abort', () => end.removeEventListener('abort', late))
    end.addEventListener('abort', late)
    end.addEventListener('abort', listener('stays'))
    end.removeEventListener('abort', gone)
    end.removeEventListener('abort', gone)
    end.abort()
    expect(called).toEqual(['stays'])
  })

  it('has come before it is told, and who listens then finds it so', () => {
    const { called, end, listener } = setUp()
    end.addEventListener('abort', () => {
      called.push(String(end.aborted))
      end.addEventListener('abort', listener('too late'))
    })
    end.abort()
    expect(called).toEqual(['true'])
  })
})
