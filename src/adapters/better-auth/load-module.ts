import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { AppError } from '../../domain/errors.ts'

/** Imports a module of the user's project, with the project's own tools. */
export interface ProjectModules {
  /** @throws AppError `INPUT_INVALID` with what to do about it. */
  readonly load: (specifier: string) => Promise<Readonly<Record<string, unknown>>>
}

type Import = (specifier: string) => Promise<unknown>

/**
 * Node alone runs no code with aliases of tsconfig.json, imports without an extension or enums, which
 * is what such modules usually hold; jiti does, where the project or this one has it.
 */
export async function projectModules(file: string): Promise<ProjectModules> {
  const from = pathToFileURL(file)
  const withJiti = await findJiti(from)
  const own = createRequire(from)
  const load: Import =
    withJiti ??
    ((specifier) =>
      import(specifier.startsWith('/') ? pathToFileURL(specifier).href : own.resolve(specifier)))
  return {
    async load(specifier) {
      try {
        return (await load(specifier)) as Readonly<Record<string, unknown>>
      } catch (cause) {
        const hint =
          withJiti === undefined
            ? '. Node runs plain modules alone: "npm install --save-dev jiti" there reads all that TypeScript does'
            : '. Name the module that exports the roles, where this one needs more to run'
        const why = cause instanceof Error ? cause.message : String(cause)
        throw new AppError('INPUT_INVALID', `cannot import ${specifier}: ${why}${hint}`, { cause })
      }
    },
  }
}

async function findJiti(from: URL): Promise<Import | undefined> {
  for (const place of [from, new URL(import.meta.url)]) {
    let path: string
    try {
      path = createRequire(place).resolve('jiti')
    } catch {
      continue
    }
    const { createJiti } = (await import(pathToFileURL(path).href)) as {
      createJiti: (id: string, options: object) => { import: Import }
    }
    const jiti = createJiti(from.href, { tsconfigPaths: true, fsCache: false })
    return (specifier) => jiti.import(specifier)
  }
  return undefined
}
