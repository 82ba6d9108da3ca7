import { readFileSync } from 'node:fs'
import { parsePolicyDocument, sha256 } from '../adapters/files/policy-document.ts'
import { createLoadPolicy, type LocatedFault } from '../application/load-policy.ts'
import { AppError } from '../domain/errors.ts'
import type { Policy } from '../domain/policy.ts'
import type { PolicyFault } from '../domain/policy-reader.ts'
import { harmless } from './output.ts'

/** Loads policies from YAML or JSON text. */
export const loadPolicy = createLoadPolicy({ parse: parsePolicyDocument, digest: sha256 })

/** The text of a file; throws `CONFIG_INVALID` where it cannot be read. */
export function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new AppError('CONFIG_INVALID', `cannot read ${file}: ${(cause as Error).message}`, {
      cause,
    })
  }
}

/** The policy of a file; throws `POLICY_INVALID` with every fault in it. */
export function readPolicy(file: string): Policy {
  const loading = loadPolicy(readText(file))
  if ('policy' in loading) return loading.policy
  const faults = loading.faults.map((fault) => faultLine(file, fault))
  throw new AppError('POLICY_INVALID', `the policy does not load:\n${faults.join('\n')}`)
}

/** A fault as compilers write it, so that editors can jump to it. */
export function faultLine(file: string, { line, column, path, message }: LocatedFault): string {
  return harmless(`${file}:${line}:${column}: ${path === '' ? '' : `${path}: `}${message}`)
}

/** Reads a YAML or JSON file by a reader of its content; throws `INPUT_INVALID` with its faults. */
export function readDocument<T extends object>(
  file: string,
  text: string,
  read: (value: unknown) => T | { readonly faults: readonly PolicyFault[] },
): T {
  const document = parsePolicyDocument(text)
  const faults: LocatedFault[] = document.faults.map((fault) => ({ ...fault, path: '' }))
  if (faults.length === 0) {
    const result = read(document.value)
    if (!('faults' in result)) return result
    for (const { path, message } of result.faults) {
      faults.push({ ...document.locate(path), path: path.join('.'), message })
    }
  }
  throw new AppError('INPUT_INVALID', faults.map((fault) => faultLine(file, fault)).join('\n'))
}
