import { execFile } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { cacheFolder } from './cache-folder.ts'

const run = promisify(execFile)
const folder = join(cacheFolder, 'data')
/** Tokens live for a year; those that were seen as old would be answered otherwise. */
const freshMs = 7 * 24 * 3_600_000

/** What `bench/go/cmd/gen` makes: `base`, or another set with its size. */
export type DataSet = 'base' | `${'burst' | 'fresh' | 'routes' | 'subjects'}=${number}`

/** A file by which one sees that a set is there. */
function witnessOf(set: DataSet): string {
  const [name = '', size = ''] = set.split('=')
  const witnesses: Readonly<Record<string, string>> = {
    base: 'Croute',
    burst: `B${size}`,
    fresh: `FEd${size}`,
    routes: `R${size}`,
    subjects: `S${size}`,
  }
  return requestsFile(witnesses[name] ?? '')
}

/** The path of a generated file. */
export const dataFile = (name: string): string => join(folder, name)

/** The file of requests of that name. */
export const requestsFile = (name: string): string => dataFile(`${name}.bin`)

function isFresh(file: string, program: string): boolean {
  const made = statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0
  return made > statSync(program).mtimeMs && Date.now() - made < freshMs
}

/** Generates what is missing; `program` is the path of `gen`. */
export async function ensureData(program: string, sets: readonly DataSet[]): Promise<void> {
  const missing = sets.filter((set) => !isFresh(witnessOf(set), program))
  if (missing.length > 0) await run(program, ['-out', folder, ...missing])
}

/** The CheckRequests of a file. */
export function readRequests(name: string): readonly Buffer[] {
  const bytes = readFileSync(requestsFile(name))
  const all: Buffer[] = []
  for (let at = 0; at < bytes.length;) {
    const end = at + 4 + bytes.readUInt32BE(at)
    all.push(bytes.subarray(at + 4, end))
    at = end
  }
  return all
}

/** Who has to be in PostgreSQL for a set. */
export interface Subject {
  readonly user: string
  readonly organization: string
  readonly role: string
}

/** The subjects of a set, by its file's name: `base`, `S1000`, `F20000`. */
export function readSubjects(name: string): readonly Subject[] {
  const lines = readFileSync(dataFile(`${name}.tsv`), 'utf8')
    .trimEnd()
    .split('\n')
  return lines.map((line) => {
    const [user = '', organization = '', role = ''] = line.split('\t')
    return { user, organization, role }
  })
}

/** A policy as `gen` writes it. */
export interface GeneratedPolicy {
  readonly issuer: string
  readonly audience: string
  readonly secret: string
  readonly keyId: string
  /** base64url. */
  readonly ed25519PublicKey: string
  readonly routes: readonly {
    readonly method: string
    readonly path: string
    readonly permission: string
  }[]
  readonly roles: Readonly<Record<string, readonly string[]>>
}

/** The policy with that many routes. */
export const readPolicy = (routes: number): GeneratedPolicy =>
  JSON.parse(readFileSync(dataFile(`policy-${routes}.json`), 'utf8')) as GeneratedPolicy
