import { expect, it } from 'vitest'
import { createBurst } from '../../src/application/burst.ts'

it('runs what waits for its end once, in the order in which it came, and is not open then', () => {
  const burst = createBurst()
  const ran: string[] = []
  expect(burst.isOpen()).toBe(false)
  for (const names of [['a', 'b'], ['c']]) {
    burst.begin()
    expect(burst.isOpen()).toBe(true)
    for (const name of names) burst.atEnd(() => ran.push(`${name} ${burst.isOpen()}`))
    burst.end()
  }
  expect(ran).toEqual(['a false', 'b false', 'c false'])
})
