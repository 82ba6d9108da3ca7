import { spawn } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { commandsOf, fencedBlocks, type FencedBlock } from './markdown.ts'

/** A shell block of a guide, and what the guide shows of its output. */
export interface Step {
  readonly block: FencedBlock
  readonly shown: FencedBlock | undefined
}

/** The shell blocks of a page that are run, in order; those of which `elsewhere` knows are not. */
export function stepsOf(page: string, elsewhere: readonly string[]): readonly Step[] {
  const blocks = fencedBlocks(page)
  return blocks.flatMap((block, index) => {
    if (block.language !== 'sh') return []
    if (commandsOf(block.text).every((command) => elsewhere.includes(command))) return []
    const next = blocks[index + 1]
    const shows = next?.follows === true && ['text', 'json'].includes(next.language)
    return [{ block, shown: shows ? next : undefined }]
  })
}

/** What a guide runs in. */
export interface GuideWorld {
  /** Words of the guide, as addresses and tokens, and what stands in for them. */
  readonly standIns: ReadonlyMap<string, string>
  readonly env: Readonly<Record<string, string>>
  /** An empty folder, which is made to look like a checkout. */
  readonly folder: string
}

/** What a step wrote to standard output. */
export interface StepOutput {
  readonly step: Step
  /** What the guide shows of it, with the stand-ins. */
  readonly shown: string | undefined
  readonly output: string
}

/** Words of a guide as they are run: the longest first, for one may begin another. */
function withStandIns(text: string, standIns: GuideWorld['standIns']): string {
  const words = [...standIns.keys()].sort((a, b) => b.length - a.length)
  return words.reduce((all, word) => all.replaceAll(word, standIns.get(word) ?? word), text)
}

const limitMs = 60_000

/**
 * Runs all steps in one shell, as a reader would, from a folder that looks like a checkout but can
 * be written to. Rejects where a command fails, with the end of what it wrote.
 */
export async function runSteps(
  steps: readonly Step[],
  { env, folder, standIns }: GuideWorld,
): Promise<readonly StepOutput[]> {
  for (const name of readdirSync('.').filter((one) => one !== '.git')) {
    symlinkSync(resolve(name), join(folder, name))
  }
  const results = join(folder, '.outputs')
  mkdirSync(results)
  const script = steps.map(
    ({ block }, index) =>
      `exec >'${results}/${index}'; echo ${block.line} >'${results}/at'\n` +
      withStandIns(block.text, standIns),
  )
  const file = join(results, 'guide.sh')
  // Jobs as in a reader's own shell: `kill %1` reaches all that a command has started.
  writeFileSync(file, `set -meuo pipefail\n${script.join('\n')}`)
  const errors = await runInSession(file, folder, env)
  const read = (name: string): string => readFileSync(join(results, name), 'utf8')
  if (errors !== undefined) {
    const at = read('at').trim()
    const index = steps.findIndex(({ block }) => String(block.line) === at)
    throw new Error(`the block at line ${at} failed: ${read(String(index))}\n${errors}`)
  }
  return steps.map((step, index) => ({
    step,
    shown: step.shown && withStandIns(step.shown.text, standIns),
    output: read(String(index)),
  }))
}

/** What was written to standard error where the script failed; ends all that it has started. */
async function runInSession(
  script: string,
  cwd: string,
  env: GuideWorld['env'],
): Promise<string | undefined> {
  const child = spawn('bash', [script], {
    ...{ cwd, detached: true, stdio: ['ignore', 'ignore', 'pipe'] },
    env: { ...process.env, ...env },
  })
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
  const { promise, resolve: ended } = Promise.withResolvers<string>()
  const timer = setTimeout(() => ended(`not within ${limitMs} ms`), limitMs)
  child.on('error', (error) => ended(error.message))
  child.on('exit', (status) => ended(status === 0 ? '' : `exit status ${status ?? 'of a signal'}`))
  const how = await promise
  clearTimeout(timer)
  if (child.pid !== undefined) endSession(child.pid)
  return how === '' ? undefined : `${errors.slice(-4_000)}\n${how}`
}

/** Ends every process of a session (proc(5): its id is the fourth field after the name). */
function endSession(session: number): void {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
      const [, , , id] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      if (id === String(session)) process.kill(Number(pid), 'SIGKILL')
    } catch {
      // it ended meanwhile
    }
  }
}
