import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { keptWheels } from './servers-folder.ts'

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
  const directory = await keptWheels('kubernetes', requirementsFile)
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
