import { beforeEach, describe, expect, it } from 'vitest'
import type { Learned } from '../../src/application/learn-fact.ts'
import { createVerification, type Verification } from '../../src/application/verify-facts.ts'
import { AppError } from '../../src/domain/errors.ts'
import { pairKey, type Fact, type Pair } from '../../src/domain/fact.ts'
import { factOf } from '../support/builders.ts'
import { createSetClock, type SetClock } from '../support/set-clock.ts'

interface Statement extends PromiseWithResolvers<readonly Fact[]> {
  readonly pairs: readonly Pair[]
  readonly place: number
  readonly signal: AbortSignal
}

interface Timer {
  readonly task: () => void
  readonly afterMs: number
  cancelled: boolean
}

const down = new AppError('DATABASE_UNAVAILABLE', 'the database is down')
const { signal } = new AbortController()
const pairOf = (name: string): Pair => ({ user: name, organization: 'org-a' })
const namesOf = (pairs: readonly Pair[]): readonly string[] => pairs.map(({ user }) => user)
/** All promises that can go on have gone on. */
const settled = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))

let time: SetClock
let verification: Verification
let statements: Statement[]
let timers: Timer[]
let learned: { readonly name: string; readonly place: number; readonly expected?: Fact }[]
let becomes: (pair: Pair) => Learned
let dropped: Set<string>
let faults: unknown[]
let batches: (readonly [pairs: number, lagMs: number])[]
let chance: number

beforeEach(() => {
  time = createSetClock()
  statements = []
  timers = []
  learned = []
  becomes = () => 'kept'
  dropped = new Set()
  faults = []
  batches = []
  chance = 1
  let order = 0
  verification = createVerification({
    clock: time.clock,
    source: {
      readMany(pairs, signal) {
        const statement = {
          ...Promise.withResolvers<readonly Fact[]>(),
          pairs,
          place: order,
          signal,
        }
        statements.push(statement)
        return statement.promise
      },
    },
    knowledge: {
      beginRead: () => ({ order: (order += 1), sent: time.clock() }),
      holds: (pair) => !dropped.has(pair.user),
      learn(pair, { order }, _fact, expected) {
        learned.push({ name: pair.user, place: order, ...(expected && { expected }) })
        return becomes(pair)
      },
    },
    schedule(task, afterMs) {
      const timer = { task, afterMs, cancelled: false }
      timers.push(timer)
      return { cancel: () => void (timer.cancelled = true) }
    },
    signal,
    random: () => chance,
    onBatch: (pairs, lagMs) => batches.push([pairs, lagMs]),
    onFault: (cause) => faults.push(cause),
  })
})

const enqueue = (...names: string[]): void =>
  names.forEach((name) => expect(verification.enqueue(pairOf(name))).toBe(true))

/** The timer that was set last is due; returns how long it was set for. */
async function due(): Promise<number | undefined> {
  const timer = timers.pop()
  if (timer === undefined) return undefined
  expect(timers).toEqual([])
  time.pass(timer.afterMs)
  timer.task()
  await settled()
  return timer.afterMs
}

/** The statement that was sent last is answered, or fails. */
async function answer(cause?: Error): Promise<readonly string[]> {
  const statement = statements.at(-1)
  if (statement === undefined) throw new Error('no statement was sent')
  const { pairs } = statement
  if (cause === undefined) statement.resolve(pairs.map(() => factOf(['staff'])))
  else statement.reject(cause)
  await settled()
  return namesOf(pairs)
}

const many = (count: number): string[] => Array.from({ length: count }, (_, index) => `u${index}`)

describe('verification', () => {
  it('waits for company, at most 250 ms, and asks for all in one statement', async () => {
    enqueue('a')
    time.pass(40)
    enqueue('b', 'c')
    expect(statements).toEqual([])
    expect(await due()).toBeLessThanOrEqual(250)
    expect(statements).toMatchObject([{ pairs: ['a', 'b', 'c'].map(pairOf), signal }])
    time.pass(7)
    await answer()
    expect(learned.map(({ name }) => name)).toEqual(['a', 'b', 'c'])
    expect(batches).toEqual([[3, 147]])
    expect(verification.waiting()).toBe(0)
    expect(timers).toEqual([])
  })

  it('marks the read before it is sent', async () => {
    enqueue('a')
    await due()
    await answer()
    expect(statements[0]?.place).toBe(1)
    expect(learned).toEqual([{ name: 'a', place: 1 }])
  })

  it('asks once for a pair that is used again, waiting or under way', async () => {
    enqueue('a', 'a')
    expect(verification.waiting()).toBe(1)
    await due()
    enqueue('a')
    expect(verification.waiting()).toBe(1)
    await answer()
    expect(timers).toEqual([])
    enqueue('a')
    await due()
    expect(statements).toHaveLength(2)
  })

  it('tells pairs of one user from each other', async () => {
    const [here, alone] = [pairOf('a'), { user: 'a', organization: null }]
    verification.enqueue(here)
    verification.enqueue(alone)
    await due()
    expect(statements[0]?.pairs).toEqual([here, alone])
    expect(pairKey(here)).not.toBe(pairKey(alone))
  })

  it('leaves out what memory has dropped meanwhile, but for claims', async () => {
    enqueue('a', 'b')
    const claimed = factOf(['staff'], { source: 'claims' })
    verification.enqueue(pairOf('c'), claimed)
    dropped = new Set(['a', 'c'])
    await due()
    expect(await answer()).toEqual(['b', 'c'])
    expect(learned).toEqual([
      { name: 'b', place: 1 },
      { name: 'c', place: 1, expected: claimed },
    ])
    expect(verification.waiting()).toBe(0)
  })

  it('sends nothing where memory has dropped all', async () => {
    enqueue('a')
    dropped.add('a')
    await due()
    expect(statements).toEqual([])
    expect([verification.waiting(), timers.length]).toEqual([0, 0])
  })

  it.each<[Learned, number]>([
    ['kept', 0],
    ['changed', 0],
    ['overtaken', 1],
    ['outrun', 1],
  ])('asks again for what was %s: %i', async (outcome, again) => {
    becomes = () => outcome
    enqueue('a')
    await due()
    await answer()
    expect(verification.waiting()).toBe(again)
    expect(await due()).toBe(again === 0 ? undefined : 100)
    expect(statements).toHaveLength(1 + again)
  })

  it('does not ask again for what was overtaken and memory has dropped', async () => {
    becomes = () => 'overtaken'
    enqueue('a')
    await due()
    dropped.add('a')
    await answer()
    expect([verification.waiting(), timers.length]).toEqual([0, 0])
  })
})

describe('many pairs', () => {
  it('are asked for 500 at a time, full statements one upon the other', async () => {
    enqueue(...many(1_001))
    await due()
    expect(await answer()).toEqual(many(500))
    expect(await answer()).toEqual(many(1_000).slice(500))
    // The rest may as well wait for company.
    expect(statements).toHaveLength(2)
    enqueue('late')
    expect(await due()).toBe(100)
    expect(await answer()).toEqual(['u1000', 'late'])
    expect(statements).toHaveLength(3)
  })

  it('that come while a statement is under way wait for it', async () => {
    enqueue('a')
    await due()
    enqueue('b')
    expect([statements.length, timers.length]).toEqual([1, 0])
    await answer()
    await due()
    expect(await answer()).toEqual(['b'])
  })

  it('are refused where 200 000 wait, and taken again when there is room', async () => {
    for (const name of many(200_000)) verification.enqueue(pairOf(name))
    expect(verification.enqueue(pairOf('late'))).toBe(false)
    expect(verification.enqueue(pairOf('u7'))).toBe(true)
    expect(verification.waiting()).toBe(200_000)
    await due()
    expect(verification.enqueue(pairOf('late'))).toBe(true)
  })
})

describe('a statement that fails', () => {
  it('is split, down to the pair that makes it fail, which stays queued', async () => {
    const isPoisoned = (names: readonly string[]): boolean => names.includes('u5')
    enqueue(...many(8))
    await due()
    const asked: string[] = []
    for (let turn = 0; turn < 40 && asked.length < 7; turn += 1) {
      const names = namesOf(statements.at(-1)?.pairs ?? [])
      const before = statements.length
      await answer(isPoisoned(names) ? down : undefined)
      if (!isPoisoned(names)) asked.push(...names)
      if (statements.length === before) await due()
    }
    expect(asked.toSorted()).toEqual(many(8).filter((name) => name !== 'u5'))
    expect(learned.map(({ name }) => name).toSorted()).toEqual(asked.toSorted())
    expect(verification.waiting()).toBe(1)
    expect(faults.every((fault) => fault === down)).toBe(true)
  })

  it('is tried again, each time later, up to 1 s, and from the start after a success', async () => {
    enqueue('a')
    await due()
    const waits: (number | undefined)[] = []
    for (let failures = 0; failures < 7; failures += 1) {
      await answer(down)
      waits.push(await due())
    }
    expect(waits).toEqual([50, 100, 200, 400, 800, 1_000, 1_000])
    await answer()
    expect(verification.waiting()).toBe(0)
    enqueue('a')
    expect(await due()).toBe(100)
    await answer(down)
    expect(await due()).toBe(50)
  })

  it.each([
    ['half as late at least', 0, 25],
    ['as late at most', 1, 50],
    ['between', 0.5, 37.5],
  ])('is tried again at a time that chance draws: %s', async (_title, drawn, ms) => {
    chance = drawn
    enqueue('a')
    await due()
    await answer(down)
    expect(await due()).toBe(ms)
  })

  it('keeps what it was asked for queued, once, also if it is used meanwhile', async () => {
    enqueue('a', 'b')
    await due()
    await answer(down)
    enqueue('a', 'b', 'c')
    expect(verification.waiting()).toBe(3)
    await due()
    expect(await answer()).toEqual(['a'])
    expect(await answer()).toEqual(['b'])
    await due()
    expect(await answer()).toEqual(['c'])
    expect(verification.waiting()).toBe(0)
  })

  it('keeps what a claim had said', async () => {
    const claimed = factOf(['staff'], { source: 'claims' })
    verification.enqueue(pairOf('a'), claimed)
    await due()
    await answer(down)
    await due()
    await answer()
    expect(learned).toEqual([{ name: 'a', place: 2, expected: claimed }])
  })

  it('is one also where it does not tell all that was asked for', async () => {
    enqueue('a', 'b')
    await due()
    statements[0]?.resolve([factOf(['staff'])])
    await settled()
    expect(faults).toHaveLength(1)
    expect(batches).toEqual([])
    await due()
    await answer()
    await answer()
    expect(learned.map(({ name }) => name)).toContain('b')
    expect(verification.waiting()).toBe(0)
  })
})

describe('closing', () => {
  it('sends nothing any more', async () => {
    enqueue('a')
    verification.close()
    expect(timers[0]?.cancelled).toBe(true)
    expect(verification.enqueue(pairOf('b'))).toBe(false)
    timers[0]?.task()
    await settled()
    expect(statements).toEqual([])
  })

  it('is quiet about a statement that it ends', async () => {
    enqueue(...many(600))
    await due()
    verification.close()
    await answer(down)
    expect(faults).toEqual([])
    expect([statements.length, timers.length]).toEqual([1, 0])
  })

  it('follows an answer with no other statement', async () => {
    enqueue(...many(1_600))
    await due()
    verification.close()
    await answer()
    expect([statements.length, timers.length]).toEqual([1, 0])
  })
})
