import { describe, expect, it } from 'vitest'
import { compareOptions } from '../../bench/harness/compare-options.ts'
import { scenarios } from '../../bench/scenarios/all.ts'

describe('options of the comparison', () => {
  it('are all scenarios, in three rounds, written down', () => {
    expect(compareOptions([])).toMatchObject({
      ...{ scenarios: Object.keys(scenarios), rounds: 3, seconds: 4, only: [] },
      ...{ write: true, render: false },
    })
  })

  it('take what is asked for', () => {
    const args = ['--scenarios', 'load,flat', '--only', 'OPA;tenantgate, lean', '--rounds', '5']
    expect(compareOptions([...args, '--subjects', '1,50', '--no-write'])).toMatchObject({
      ...{ scenarios: ['load', 'flat'], only: ['OPA', 'tenantgate, lean'], rounds: 5 },
      ...{ sizes: { subjects: [1, 50] }, write: false },
    })
  })

  it('are small when it is to be quick', () => {
    expect(compareOptions(['--quick'])).toMatchObject({ rounds: 1, seconds: 1 })
  })

  it.each([['--quick'], ['--only=OPA'], ['--no-write']])('write nothing with %s', (argument) => {
    expect(compareOptions([argument])).toMatchObject({ write: false })
  })

  it.each([
    ['--help'],
    ['--scenarios=other'],
    ['--rounds=0'],
    ['--rounds=x'],
    ['--unknown'],
    ['x'],
  ])('refuse %s', (argument) => {
    expect(compareOptions([argument])).toBeUndefined()
  })
})
