import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { pipInstall } from '../../src/adapters/servers/pip.ts'

const root = resolve(import.meta.dirname, '../..')
const requirementsFile = join(root, 'requirements-kubernetes.txt')

/** A resource, as a file has it. */
export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string }
}

interface Schema {
  readonly $id: string
}

/** What the API of a release has against a resource; nothing: it takes it. */
export type Validate = (manifest: Manifest) => readonly string[]

/** Fetches the schemas, once; then gives a validator for a release as `1.30`, strict: no unknown field. */
export async function kubernetesSchemas(): Promise<(release: string) => Validate> {
  const directory = await fetched()
  return (release) => {
    const schemas = join(
      directory,
      `kubernetes_validate/kubernetes-json-schema/v${release}.0-local-strict`,
    )
    const read = (file: string) => JSON.parse(readFileSync(join(schemas, file), 'utf8')) as Schema
    const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true })
    ajv.addSchema(read('_definitions.json'))
    return (manifest) => {
      const schema = read(schemaFile(manifest))
      const check = ajv.getSchema(schema.$id) ?? ajv.compile(schema)
      if (check(manifest) === true) return []
      return (check.errors ?? []).map(
        ({ instancePath, message, params }) =>
          `${instancePath} ${message ?? ''} ${JSON.stringify(params)}`,
      )
    }
  }
}

/** `networking.k8s.io/v1` NetworkPolicy: `networkpolicy-networking-v1.json` */
function schemaFile({ apiVersion, kind }: Manifest): string {
  const [version = '', group] = apiVersion.split('/').toReversed()
  const names = [kind.toLowerCase(), ...(group === undefined ? [] : [group.split('.')[0]]), version]
  return `${names.join('-')}.json`
}

/** As the servers' wheels: kept in `.servers`, and there as a whole or not at all. */
async function fetched(): Promise<string> {
  const digest = createHash('sha256').update(await readFile(requirementsFile))
  const home = join(root, '.servers')
  const directory = join(home, `kubernetes-${digest.digest('hex').slice(0, 16)}`)
  if (existsSync(directory)) return directory
  await mkdir(home, { recursive: true })
  const unfinished = await mkdtemp(join(home, 'installing-'))
  try {
    const python = process.env['PYTHON'] ?? 'python3'
    await pipInstall({ python, requirementsFile, target: unfinished })
    await rename(unfinished, directory)
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true })
    if (!existsSync(directory)) throw error // else another run was faster
  }
  return directory
}
