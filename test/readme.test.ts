import { readFileSync } from 'node:fs'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { policyFrom } from './support/builders.ts'

const run = promisify(execFile)
const readme = readFileSync('README.md', 'utf8')
const ci = readFileSync('.ci/run', 'utf8')

function blocks(language: string): readonly string[] {
  return [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(
    ([, text = '']) => text,
  )
}

/** Every command of the shell blocks, continued lines joined. */
const commands = blocks('sh')
  .flatMap((block) => block.replaceAll(/\\\n\s*/g, '').split('\n'))
  .filter((line) => line !== '')
/** Commands that this file runs. */
const ranHere = commands.filter((command) => /tenantgate -- (lint|test|explain) /.test(command))
/** Commands that CI, or the tests of `serve`, run in the same words. */
const ranElsewhere: Readonly<Record<string, string>> = {
  'npm ci && npm run demo': 'npm run -s demo -- --tour-only',
  'npm ci && npm test': 'npm test',
}
/** What test/commands/serve.test.ts does: these variables, this command, this request. */
const ranByServeTests = [
  /^export [A-Z_]+=\S+$/,
  /^npm run -s tenantgate -- serve$/,
  /^curl -s http:\/\/127\.0\.0\.1:9180\/readyz$/,
]

describe('the README', () => {
  it('has no command that nothing runs', () => {
    const unknown = commands.filter(
      (command) =>
        !ranHere.includes(command) &&
        !Object.hasOwn(ranElsewhere, command) &&
        !ranByServeTests.some((form) => form.test(command)),
    )
    expect(unknown).toEqual([])
    expect(commands).toEqual(expect.arrayContaining(Object.keys(ranElsewhere)))
    for (const command of Object.values(ranElsewhere)) expect(ci).toContain(`\n${command}\n`)
  })

  it.each(ranHere.map((command) => [command]))('%s', async (command) => {
    const junitAside = command.replace(' --junit cases.xml', '')
    const { stdout } = await run('bash', ['-c', junitAside])
    // What the README shows of it is what it says.
    if (command.includes(' explain ')) expect(readme).toContain(stdout)
  })

  it('shows a policy that loads', () => {
    const [policy = ''] = blocks('yaml')
    expect(policyFrom(policy).version).toMatch(/^sha256:/)
  })

  it('names files that exist', () => {
    const links = [...readme.matchAll(/\]\(([^)#:]+)[)#]/g)].map(([, file = '']) => file)
    expect(links.length).toBeGreaterThan(5)
    for (const file of links) expect(() => readFileSync(file)).not.toThrow(/ENOENT/)
  })
})
