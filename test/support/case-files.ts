import { readdirSync, readFileSync } from 'node:fs'
import { parsePolicyDocument } from '../../src/adapters/files/policy-document.ts'
import { readPolicyCases, type PolicyCase } from '../../src/application/policy-cases.ts'
import type { Policy } from '../../src/domain/policy.ts'
import { policyFrom } from './builders.ts'

/** A policy of test/cases and what must come out of it, on every layer. */
export interface CaseFile {
  readonly name: string
  readonly policy: Policy
  readonly cases: readonly PolicyCase[]
}

const directory = new URL('../cases/', import.meta.url)
const textOf = (file: string): string => readFileSync(new URL(file, directory), 'utf8')

/** Every `NAME.cases.yaml` with its `NAME.policy.yaml`. */
export function loadCaseFiles(): readonly CaseFile[] {
  const names = readdirSync(directory)
    .filter((file) => file.endsWith('.cases.yaml'))
    .map((file) => file.slice(0, -'.cases.yaml'.length))
  return names.map((name) => {
    const reading = readPolicyCases(parsePolicyDocument(textOf(`${name}.cases.yaml`)).value)
    if ('faults' in reading) {
      throw new Error(reading.faults.map((f) => `${f.path.join('.')}: ${f.message}`).join('\n'))
    }
    return { name, policy: policyFrom(textOf(`${name}.policy.yaml`)), cases: reading.cases }
  })
}
