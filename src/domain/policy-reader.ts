/** Where in a policy something stands, as keys and indexes from the top. */
export type PolicyPath = readonly (string | number)[]

/** Something wrong with a policy, and how to mend it. */
export interface PolicyFault {
  readonly path: PolicyPath
  readonly message: string
}

/** Reads values of a parsed file by their expected type and gathers every fault on the way. */
export interface PolicyReader {
  readonly faults: readonly PolicyFault[]
  readonly fault: (path: PolicyPath, message: string) => void
  /** The entries of a mapping, or undefined (with a fault) where it is none. */
  readonly mapping: (value: unknown, path: PolicyPath) => ReadonlyMap<string, unknown> | undefined
  readonly text: (value: unknown, path: PolicyPath, what: string) => string | undefined
  /** A list of texts; a single text stands for a list of one where `single` says so. */
  readonly texts: (
    value: unknown,
    path: PolicyPath,
    options: { readonly what: string; readonly single?: boolean },
  ) => readonly { readonly text: string; readonly path: PolicyPath }[]
  readonly choice: <T extends string>(
    value: unknown,
    path: PolicyPath,
    choices: readonly T[],
  ) => T | undefined
  /** A fault for each key that is not known; what is misspelt must not be silently ignored. */
  readonly onlyKeys: (
    entries: ReadonlyMap<string, unknown>,
    path: PolicyPath,
    known: readonly string[],
  ) => void
}

/** Makes a reader with no faults yet. */
export function createPolicyReader(): PolicyReader {
  const faults: PolicyFault[] = []
  const fault = (path: PolicyPath, message: string): void => {
    faults.push({ path, message })
  }
  return {
    faults,
    fault,
    mapping(value, path) {
      if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
        return new Map(Object.entries(value))
      }
      fault(path, `expected a mapping, found ${kindOf(value)}`)
      return undefined
    },
    text(value, path, what) {
      if (typeof value === 'string' && value.trim() !== '') return value
      fault(path, `expected ${what}, found ${kindOf(value)}`)
      return undefined
    },
    texts(value, path, { what, single = false }) {
      if (single && typeof value === 'string') return this.texts([value], path, { what })
      if (!Array.isArray(value)) {
        fault(path, `expected a list of ${what}, found ${kindOf(value)}`)
        return []
      }
      return value.flatMap((entry: unknown, index) => {
        const text = this.text(entry, [...path, index], `one of ${what}`)
        return text === undefined ? [] : [{ text, path: [...path, index] }]
      })
    },
    choice(value, path, choices) {
      const found = choices.find((choice) => choice === value)
      if (found === undefined) {
        fault(path, `expected ${choices.join(' or ')}, found ${kindOf(value)}`)
      }
      return found
    },
    onlyKeys(entries, path, known) {
      for (const key of entries.keys()) {
        if (!known.includes(key)) {
          fault([...path, key], `unknown key "${key}": known here are ${known.join(', ')}`)
        }
      }
    },
  }
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a mapping'
  if (typeof value === 'string') return value === '' ? 'an empty text' : `"${value}"`
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : 'something else'
}
