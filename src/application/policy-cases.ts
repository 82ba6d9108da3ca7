import { denyReasons, type Reason } from '../domain/decision.ts'
import type { Policy } from '../domain/policy.ts'
import {
  createPolicyReader,
  type PolicyFault,
  type PolicyPath,
  type PolicyReader,
} from '../domain/policy-reader.ts'
import { simulate } from './simulate.ts'
import { readSubject, type SimulatedRequest, type SimulatedSubject } from './subject.ts'

/** A request, who makes it, and what must come out. */
export interface PolicyCase {
  readonly name: string
  readonly request: SimulatedRequest
  readonly subject: SimulatedSubject
  readonly expected: ExpectedOutcome
}

/** `allow`, `deny` for any reason, or the one reason. */
export type ExpectedOutcome = 'allow' | 'deny' | { readonly deny: Reason }

/** How a case came out. */
export interface CaseResult {
  readonly name: string
  readonly passed: boolean
  readonly expected: string
  readonly actual: string
}

const caseKeys = ['name', 'request', 'as', 'expect', 'host', 'headers', 'extensions']

/** Reads the parsed content of a file of policy cases (contract section 3). */
export function readPolicyCases(
  value: unknown,
): { readonly cases: readonly PolicyCase[] } | { readonly faults: readonly PolicyFault[] } {
  const reader = createPolicyReader()
  const entries = reader.mapping(value, [])
  if (entries !== undefined) reader.onlyKeys(entries, [], ['cases'])
  const list = entries?.get('cases')
  if (!Array.isArray(list)) {
    reader.fault(['cases'], 'expected a list of cases under cases')
    return { faults: reader.faults }
  }
  const cases = list.flatMap((entry: unknown, index) => {
    const read = readCase(reader, entry, ['cases', index])
    return read === undefined ? [] : [read]
  })
  return reader.faults.length > 0 ? { faults: reader.faults } : { cases }
}

function readCase(reader: PolicyReader, value: unknown, path: PolicyPath): PolicyCase | undefined {
  const entries = reader.mapping(value, path)
  if (entries === undefined) return undefined
  reader.onlyKeys(entries, path, caseKeys)
  const request = readSimulatedRequest(reader, entries, path)
  const subject = readSubject(reader, entries.get('as'), [...path, 'as'])
  const expected = readExpected(reader, entries.get('expect'), [...path, 'expect'])
  const name = entries.has('name')
    ? reader.text(entries.get('name'), [...path, 'name'], 'a name')
    : `case ${Number(path.at(-1)) + 1}`
  if (request === undefined || subject === undefined) return undefined
  if (expected === undefined || name === undefined) return undefined
  return { name, request, subject, expected }
}

/** Reads `request: POST /path` and what else a request may say: `host`, `headers`, `extensions`. */
export function readSimulatedRequest(
  reader: PolicyReader,
  entries: ReadonlyMap<string, unknown>,
  path: PolicyPath,
): SimulatedRequest | undefined {
  const text = reader.text(entries.get('request'), [...path, 'request'], 'a request: POST /path')
  const [, method, target] = /^(\S+) +(.*)$/.exec(text ?? '') ?? []
  if (text !== undefined && (method === undefined || target === undefined)) {
    reader.fault([...path, 'request'], 'write a method, a space and a path: POST /path')
  }
  const host = entries.has('host')
    ? reader.text(entries.get('host'), [...path, 'host'], 'a host')
    : undefined
  const headers = readTexts(reader, entries, [...path, 'headers'])
  const extensions = readTexts(reader, entries, [...path, 'extensions'])
  if (method === undefined || target === undefined) return undefined
  return {
    method,
    path: target,
    host: host ?? '',
    headers: new Map([...headers].map(([name, value]) => [name.toLowerCase(), value])),
    extensions,
  }
}

function readTexts(
  reader: PolicyReader,
  entries: ReadonlyMap<string, unknown>,
  path: PolicyPath,
): ReadonlyMap<string, string> {
  const key = String(path.at(-1))
  const texts = entries.has(key) ? reader.mapping(entries.get(key), path) : undefined
  const result = new Map<string, string>()
  for (const [name, value] of texts ?? []) {
    if (typeof value === 'string') result.set(name, value)
    else reader.fault([...path, name], 'expected a text')
  }
  return result
}

function readExpected(
  reader: PolicyReader,
  value: unknown,
  path: PolicyPath,
): ExpectedOutcome | undefined {
  if (value === 'allow' || value === 'deny') return value
  const reason: unknown =
    typeof value === 'object' && value !== null && 'deny' in value ? value.deny : undefined
  const known = denyReasons.find((one) => one === reason)
  if (known === undefined) {
    reader.fault(
      path,
      `write allow, deny or { deny: REASON } with one of ${denyReasons.join(', ')}`,
    )
    return undefined
  }
  return { deny: known }
}

/** Runs cases against a policy, in their order. */
export async function runPolicyCases(
  policy: Policy,
  cases: readonly PolicyCase[],
  nowMs: number,
): Promise<readonly CaseResult[]> {
  const results: CaseResult[] = []
  for (const { name, expected, ...simulated } of cases) {
    const { decision } = await simulate(policy, simulated, nowMs)
    results.push({
      name,
      passed: isExpected(expected, decision.reason),
      expected: typeof expected === 'object' ? `deny: ${expected.deny}` : expected,
      actual: decision.reason === 'granted' ? 'allow' : `deny: ${decision.reason}`,
    })
  }
  return results
}

function isExpected(expected: ExpectedOutcome, reason: Reason): boolean {
  if (expected === 'allow') return reason === 'granted'
  return expected === 'deny' ? reason !== 'granted' : reason === expected.deny
}
