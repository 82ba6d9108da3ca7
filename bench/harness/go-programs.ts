import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { obtainGo } from '../../test/support/go.ts'
import { cacheFolder } from './cache-folder.ts'

/** What OPA's engine asks for: Go 1.26. */
const leastMinor = 26

const names = ['drive', 'gen', 'floor', 'handgo', 'opaext'] as const
export type GoProgram = (typeof names)[number]

/** Paths of the executables by name. */
export type GoPrograms = Readonly<Record<GoProgram, string>>

/** The programs of `bench/go`, built where they are not up to date; OPA alone takes a minute. */
export async function buildGoPrograms(wanted: readonly GoProgram[] = names): Promise<GoPrograms> {
  const { go } = await obtainGo(leastMinor)
  const folder = join(cacheFolder, 'bin')
  await mkdir(folder, { recursive: true })
  // The trailing slash has `go build` write each program into the folder.
  const packages = wanted.map((name) => `./cmd/${name}`)
  const built = await go('bench/go', ['build', '-o', `${folder}/`, ...packages])
  if (!built.ok) throw new Error(`the programs of bench/go cannot be built:\n${built.output}`)
  return Object.fromEntries(names.map((name) => [name, join(folder, name)])) as GoPrograms
}
