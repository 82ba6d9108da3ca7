import { createHash } from 'node:crypto'
import { access, mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { obtainGo } from './go.ts'

const root = resolve(import.meta.dirname, '../..')
const module = 'test/interop/go'
const packages = ['.', 'github.com/summerwind/h2spec/cmd/h2spec']

/** Executables that judge the transport from outside. */
export interface InteropTools {
  /** The client on grpc-go. */
  readonly client: string
  readonly h2spec: string
}

declare module 'vitest' {
  interface ProvidedContext {
    interopTools: InteropTools
  }
}

/** Builds them once: they are kept in `.servers`, by what they are built from. */
export async function buildInteropTools(): Promise<InteropTools> {
  const digest = createHash('sha256')
  for (const file of (await readdir(join(root, module))).sort()) {
    digest.update(file).update(await readFile(join(root, module, file)))
  }
  const home = join(root, '.servers')
  const directory = join(home, `interop-${process.arch}-${digest.digest('hex').slice(0, 16)}`)
  const tools = { client: join(directory, 'interop'), h2spec: join(directory, 'h2spec') }
  if (await exists(directory)) return tools
  await mkdir(home, { recursive: true })
  const unfinished = await mkdtemp(join(home, 'installing-'))
  try {
    const { go } = await obtainGo()
    const built = await go(module, ['build', '-o', `${unfinished}/`, ...packages])
    if (!built.ok) throw new Error(`the tools cannot be built:\n${built.output}`)
    await rename(unfinished, directory)
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true })
    if (!(await exists(directory))) throw error // else another run was faster
  }
  return tools
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )
