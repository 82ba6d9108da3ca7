import { spawn, type ChildProcess } from 'node:child_process'

/** How a process ended and what it wrote. */
export interface ScriptResult {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/**
 * Runs an ES module in a process of its own, for what must not happen in this one: a crash, or
 * writing to standard output. `modules` are imported under their names, as paths from the root.
 */
export async function runScript(
  modules: Readonly<Record<string, string>>,
  script: string,
  { onSpawn, timeoutMs = 10_000, args = [] }: ScriptOptions = {},
): Promise<ScriptResult> {
  const imports = Object.entries(modules).map(
    ([name, path]) => `import * as ${name} from ${JSON.stringify(moduleUrl(path))}`,
  )
  const source = [...imports, script].join('\n')
  const child = spawn(process.execPath, ['--input-type=module', '--eval', source, '--', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
  })
  onSpawn?.(child)
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code, stdout, stderr }
}

export interface ScriptOptions {
  readonly onSpawn?: (child: ChildProcess) => void
  readonly timeoutMs?: number
  /** `process.argv` from its second entry on. */
  readonly args?: readonly string[]
}

const moduleUrl = (path: string): string => new URL(`../../${path}`, import.meta.url).href
