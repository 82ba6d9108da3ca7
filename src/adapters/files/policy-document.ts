import { createHash } from 'node:crypto'
import type { Digest, ParsePolicyDocument } from '../../ports/policy-document.ts'
import { parseJson } from './json-document.ts'
import { parseYaml } from './yaml-document.ts'

/**
 * Parses YAML 1.2 (and so JSON), keeping where each value stands. JSON goes past the YAML library, whose
 * loading and reading of 100 routes is a sixth of a start, and which holds up checks at a reload. Where
 * something stands in it is asked only of a policy with faults.
 */
export const parsePolicyDocument: ParsePolicyDocument = (text) => {
  const json = parseJson(text)
  if (json === undefined) return parseYaml(text)
  return { value: json.value, faults: [], locate: (path) => parseYaml(text).locate(path) }
}

/** SHA-256 in hexadecimal digits. */
export const sha256: Digest = (text) => createHash('sha256').update(text).digest('hex')
