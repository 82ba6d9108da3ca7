import { describe, expect, it } from 'vitest'
import { createDoctor, type Check, type OpenPart, type Part } from '../../src/application/doctor.ts'
import { ok } from '../../src/domain/finding.ts'
import { complaints, findingOf } from '../support/doctor.ts'
import { until } from '../support/poll.ts'

const never = (): Promise<never> => new Promise(() => undefined)
const fine = (name: string): Check => ({ name, doubt: 'error', run: () => [ok(name, 'fine')] })

function partOf(name: string, opened: Partial<OpenPart> = {}, open?: Part['open']): Part {
  const usual: OpenPart = {
    findings: [ok(`${name}.reachable`, 'it answers')],
    checks: [fine(`${name}.a`)],
    answers: () => Promise.resolve(),
    close: () => undefined,
    ...opened,
  }
  return {
    name,
    place: `${name}://there`,
    open: open ?? (() => Promise.resolve(usual)),
    unreachable: { why: 'nothing works', mend: 'start it' },
  }
}

const doctor = createDoctor({
  timeLimit: (ms) => AbortSignal.timeout(ms),
  redact: (text) => text.replaceAll('hunter2', '***'),
  openMs: 60,
  checkMs: 60,
})

describe('the doctor', () => {
  it('lists what every part found, in the order of the parts', async () => {
    const findings = await doctor([partOf('one'), partOf('two')])
    expect(findings.map(({ name }) => name)).toEqual([
      'one.reachable',
      'one.a',
      'two.reachable',
      'two.a',
    ])
    expect(findings[0]).toEqual({
      ...{ name: 'one.reachable', status: 'ok', message: 'it answers' },
      ...{ why: null, mend: null },
    })
  })

  it.each<[string, () => Promise<never>, RegExp]>([
    ['refuses', () => Promise.reject(new Error('no hunter2')), /one:\/\/there: no \*\*\*$/],
    [
      'throws',
      () => {
        throw new Error('bug')
      },
      /bug/,
    ],
    ['is silent', never, /no answer within 0.06 s/],
  ])('a part that %s is one error, and the others are examined', async (_title, open, message) => {
    const findings = await doctor([partOf('one', {}, open), partOf('two')])
    expect(complaints(findings)).toEqual(['error one.reachable'])
    expect(findings).toHaveLength(3)
    expect(findings[0]).toMatchObject({ why: 'nothing works', mend: 'start it' })
    expect(findings[0]?.message).toMatch(message)
  })

  it.each<[string, Check['run'], RegExp]>([
    ['fails', () => Promise.reject(new Error('no hunter2')), /could not be checked: no \*\*\*/],
    [
      'throws',
      () => {
        throw new Error('bug')
      },
      /bug/,
    ],
    ['takes too long', never, /no answer within/],
  ])(
    'a check that %s is a finding of its name and stops no other',
    async (_title, run, message) => {
      const checks: Check[] = [
        { name: 'one.bad', doubt: 'error', run },
        { name: 'one.odd', doubt: 'warn', run },
        fine('one.good'),
      ]
      const findings = await doctor([partOf('one', { checks })])
      expect(complaints(findings)).toEqual(['error one.bad', 'warn one.odd'])
      expect(findingOf(findings, 'one.bad').message).toMatch(message)
      expect(findingOf(findings, 'one.good').status).toBe('ok')
    },
  )

  it('the rest of the checks of a part that goes away are one finding', async () => {
    const checks: Check[] = [
      fine('one.a'),
      { name: 'one.b', doubt: 'warn', run: never },
      fine('one.c'),
    ]
    const findings = await doctor([partOf('one', { checks, answers: never })])
    expect(findings.map(({ name }) => name)).toEqual(['one.reachable', 'one.a', 'one.answers'])
    expect(findings.at(-1)).toMatchObject({ status: 'error', why: 'nothing works' })
    expect(findings.at(-1)?.message).toMatch(/2 checks not made: one\.b, one\.c/)
  })

  it('closes every part, also one that opened too late', async () => {
    const closed: string[] = []
    const closing = (name: string): Partial<OpenPart> => ({ close: () => closed.push(name) })
    const { promise, resolve } = Promise.withResolvers<OpenPart>()
    const findings = await doctor([
      partOf('one', closing('one')),
      partOf('late', {}, () => promise),
    ])
    expect(complaints(findings)).toEqual(['error late.reachable'])
    const late = await partOf('late', closing('late')).open()
    resolve(late)
    await until(() => closed.length === 2, { what: 'both closed' })
    expect(closed).toEqual(['one', 'late'])
  })
})
