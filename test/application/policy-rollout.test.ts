import { expect, it } from 'vitest'
import { createPolicyRollout } from '../../src/application/policy-rollout.ts'
import type { PoolWorker } from '../../src/application/worker-pool.ts'
import type { Answers, Question } from '../../src/application/worker-talk.ts'
import { loadPolicy, policyFrom } from '../support/builders.ts'

const textOf = (name: string): string =>
  `version: 1\nroutes:\n  - { name: ${name}, match: GET /${name}, access: public }\n`
const versionOf = (name: string): string => policyFrom(textOf(name)).version

/** A worker that loads and changes as the real ones do, or otherwise where a test says so. */
function worker(index: number, said: string[], behaviour: Partial<Behaviour> = {}) {
  let policy = versionOf('a')
  let prepared: string | undefined
  let killedFor: string | undefined
  const one: PoolWorker & {
    readonly policy: () => string
    readonly killedFor: () => string | undefined
  } = {
    index,
    serving: behaviour.serving ?? true,
    policy: () => policy,
    killedFor: () => killedFor,
    kill: (why) => void (killedFor = why),
    async ask<K extends keyof Answers>(question: Extract<Question, { readonly kind: K }>) {
      const asked: Question = question
      said.push(`${index} ${asked.kind}`)
      if (killedFor !== undefined) return undefined
      await behaviour.before?.(asked)
      if (asked.kind === 'prepare') {
        if (behaviour.prepares === 'never') return undefined
        prepared = behaviour.prepares === 'refuses' ? undefined : asked.version
        return (prepared !== undefined) as Answers[K]
      }
      if (asked.kind !== 'commit' || behaviour.commits === 'never') return undefined
      if (prepared === asked.version) policy = asked.version
      return (policy === asked.version) as Answers[K]
    },
  }
  return one
}

interface Behaviour {
  readonly serving: boolean
  readonly prepares: 'never' | 'refuses'
  readonly commits: 'never'
  readonly before: (question: Question) => Promise<void>
}

function rolloutOver(workers: () => readonly PoolWorker[], said: string[]) {
  return createPolicyRollout(
    { policy: policyFrom(textOf('a')), text: textOf('a') },
    {
      load: loadPolicy,
      workers,
      onLoaded: ({ version }) => void said.push(`loaded ${version}`),
      onReloadFailed: (faults) => void said.push(`${faults.length} faults`),
      onRefused: (refusing) => void said.push(`refused by ${refusing.join()}`),
    },
  )
}

it('all load it before any changes, and the log has it before any decides by it', async () => {
  const said: string[] = []
  const all = [worker(0, said), worker(1, said)]
  const rollout = rolloutOver(() => all, said)
  rollout.reload(textOf('b'))
  await expect.poll(() => all.map(({ policy }) => policy())).toEqual(Array(2).fill(versionOf('b')))
  expect(said).toEqual([
    `loaded ${versionOf('a')}`,
    ...['0 prepare', '1 prepare', `loaded ${versionOf('b')}`, '0 commit', '1 commit'],
  ])
  expect(rollout.inForce()).toMatchObject({
    text: textOf('b'),
    policy: { version: versionOf('b') },
  })
})

it('what does not load here changes none', async () => {
  const said: string[] = []
  const rollout = rolloutOver(() => [worker(0, said)], said)
  rollout.reload('version: 1\nroutes:\n  - { name: b, match: GET /b }\n')
  await expect.poll(() => said).toEqual([`loaded ${versionOf('a')}`, '2 faults'])
  expect(rollout.inForce().text).toBe(textOf('a'))
})

it('what one worker cannot load changes none', async () => {
  const said: string[] = []
  const all = [worker(0, said), worker(1, said, { prepares: 'refuses' })]
  const rollout = rolloutOver(() => all, said)
  rollout.reload(textOf('b'))
  await expect.poll(() => said.at(-1)).toBe('refused by 1')
  expect(all.map(({ killedFor, policy }) => [policy(), killedFor()])).toEqual(
    Array(2).fill([versionOf('a'), undefined]),
  )
  expect(rollout.inForce().text).toBe(textOf('a'))
})

it.each<[string, Partial<Behaviour>]>([
  ['does not load it in time', { prepares: 'never' }],
  ['does not change in time', { commits: 'never' }],
  ['is just starting, with the policy before', { serving: false }],
])('a worker that %s is ended, and keeps nobody', async (_title, behaviour) => {
  const said: string[] = []
  const all = [worker(0, said, behaviour), worker(1, said)]
  const rollout = rolloutOver(() => all, said)
  rollout.reload(textOf('b'))
  await expect.poll(() => all[1]?.policy()).toBe(versionOf('b'))
  await expect.poll(() => all[0]?.killedFor()).toBeDefined()
  expect([all[1]?.killedFor(), rollout.inForce().text]).toEqual([undefined, textOf('b')])
  // Who has been given up is not waited for once more.
  expect(said.filter((line) => line === '0 prepare').length).toBeLessThanOrEqual(1)
})

it('a worker that begins to serve in between is brought to it', async () => {
  const said: string[] = []
  const all: ReturnType<typeof worker>[] = []
  const joins = async (question: Question): Promise<void> => {
    if (question.kind === 'prepare') all.push(worker(1, said))
  }
  all.push(worker(0, said, { before: joins }))
  rolloutOver(() => all, said).reload(textOf('b'))
  await expect.poll(() => all.map(({ policy }) => policy())).toEqual(Array(2).fill(versionOf('b')))
  expect(all.map(({ killedFor }) => killedFor())).toEqual([undefined, undefined])
})

it('of texts that come while one is rolled out the last one counts', async () => {
  const said: string[] = []
  const gate = Promise.withResolvers<undefined>()
  const one = worker(0, said, {
    before: async ({ kind }) => {
      if (kind === 'prepare') await gate.promise
    },
  })
  const rollout = rolloutOver(() => [one], said)
  for (const name of ['b', 'c', 'd']) rollout.reload(textOf(name))
  gate.resolve(undefined)
  await expect.poll(() => one.policy()).toBe(versionOf('d'))
  expect(said.filter((line) => line.startsWith('loaded'))).toEqual(
    ['a', 'b', 'd'].map((name) => `loaded ${versionOf(name)}`),
  )
})

it('another text of the same policy disturbs no worker', async () => {
  const said: string[] = []
  const rollout = rolloutOver(() => [worker(0, said)], said)
  rollout.reload(`# the same\n${textOf('a')}`)
  await expect.poll(() => said).toEqual(Array(2).fill(`loaded ${versionOf('a')}`))
  expect(rollout.inForce().text).toMatch(/^# the same/)
})
