import { readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { obtainGo } from './go.ts'
import { keptFolder } from './servers-folder.ts'

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

/** Builds them once: they are kept by what they are built from. */
export async function buildInteropTools(): Promise<InteropTools> {
  const files = (await readdir(join(root, module))).sort()
  const directory = await keptFolder({
    name: `interop-${process.arch}`,
    madeFrom: files.map((file) => join(root, module, file)),
    async make(target) {
      const { go } = await obtainGo()
      const built = await go(module, ['build', '-o', `${target}/`, ...packages])
      if (!built.ok) throw new Error(`the tools cannot be built:\n${built.output}`)
    },
  })
  return { client: join(directory, 'interop'), h2spec: join(directory, 'h2spec') }
}
