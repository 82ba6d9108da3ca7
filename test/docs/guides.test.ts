import { globSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runSteps, stepsOf, type StepOutput } from '../support/guide.ts'
import { openGuideWorld, type GuideOptions, type OpenGuideWorld } from '../support/guide-world.ts'
import { commandsOf, fencedBlocks } from '../support/markdown.ts'
import { differenceFromShown, isShown } from '../support/shown-output.ts'

const guides = globSync('docs/guides/*.md').sort()
const pageOf = (guide: string): string => readFileSync(guide, 'utf8')
const ci = readFileSync('.ci/run', 'utf8')

/** Commands that CI runs in other words; whole blocks of them are not run here. */
const ranElsewhere: Readonly<Record<string, string>> = {
  'npm ci && npm run demo': 'npm run -s demo -- --tour-only',
}
const elsewhere = Object.keys(ranElsewhere)
/** What guides need that is not in them. */
const options: Readonly<Record<string, GuideOptions>> = {
  // A machine that runs other tests too may be slow.
  'shadow-mode.md': { behindEnvoy: true, env: { TENANTGATE_DEADLINE: '1s' } },
  'tuning-freshness.md': { behindEnvoy: true, env: { TENANTGATE_DEADLINE: '1s' } },
  'rotating-secrets.md': { env: { TENANTGATE_DRAIN: '0s' } },
  'when-x-is-down.md': { env: { TENANTGATE_DRAIN: '0s' } },
}
/** What a guide may show beside commands and their output. */
const shownOnly = ['text', 'json', 'yaml', 'ts', 'go', 'sql', 'promql']

let world: OpenGuideWorld
beforeAll(async () => {
  world = await openGuideWorld()
})
afterAll(() => world.close())

/** How an output differs from what the guide shows of it. */
function difference({ output, shown, step }: StepOutput): string | undefined {
  if (shown === undefined) return undefined
  if (step.shown?.language === 'text') return differenceFromShown(shown, output)
  return isShown(JSON.parse(shown), JSON.parse(output))
    ? undefined
    : `shown:\n${shown}\nwritten:\n${output}`
}

describe.each(guides)('%s', (guide) => {
  const page = pageOf(guide)

  it('has no command that nothing runs', () => {
    const others = fencedBlocks(page).filter(
      ({ language }) => language !== 'sh' && !shownOnly.includes(language),
    )
    expect(others).toEqual([])
    const mixed = stepsOf(page, elsewhere).filter(({ block }) =>
      commandsOf(block.text).some((command) => elsewhere.includes(command)),
    )
    expect(mixed).toEqual([])
  })

  it('runs from a checkout, and writes what it shows', { timeout: 90_000 }, async () => {
    const steps = stepsOf(page, elsewhere)
    expect(steps.length).toBeGreaterThan(0)
    const entered = await world.enter(options[basename(guide)] ?? {})
    const outputs = await runSteps(steps, entered)
    const differences = outputs.flatMap((one) => {
      const found = difference(one)
      return found === undefined ? [] : [`line ${one.step.block.line}: ${found}`]
    })
    expect(differences.join('\n')).toBe('')
  })

  it('names metrics and variables that there are', () => {
    const documented = ['docs/metrics.md', 'docs/configuration.md', 'docs/traces.md']
      .map(pageOf)
      .join('\n')
    const names = page.match(/\btenantgate_[a-z_]+|\bTENANTGATE_[A-Z_]+[A-Z]/g) ?? []
    const known = (name: string): boolean =>
      documented.includes(`\`${name}`) ||
      name.endsWith('_TLS') ||
      /_TLS_(CERT|KEY|CLIENT_CA)$/.test(name)
    expect([...new Set(names)].filter((name) => !known(name))).toEqual([])
  })
})

it('what is run elsewhere is run there', () => {
  const commands = guides.flatMap((guide) =>
    fencedBlocks(pageOf(guide)).flatMap(({ language, text }) =>
      language === 'sh' ? commandsOf(text) : [],
    ),
  )
  expect(commands).toEqual(expect.arrayContaining(elsewhere))
  for (const command of Object.values(ranElsewhere)) expect(ci).toContain(`\n${command}\n`)
})
