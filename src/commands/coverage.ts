import { readGatewayFile, readRunningGateway } from '../adapters/envoy/coverage-source.ts'
import { parsePolicyDocument } from '../adapters/files/policy-document.ts'
import { readOperations } from '../adapters/openapi/operations.ts'
import { coverageOf, type Coverage } from '../application/coverage.ts'
import type { LocatedFault } from '../application/load-policy.ts'
import type { Gateway } from '../domain/coverage-gateway.ts'
import type { Operation } from '../domain/coverage-operations.ts'
import { AppError } from '../domain/errors.ts'
import { parseArguments } from './arguments.ts'
import { coverageText } from './coverage-text.ts'
import { exit, UsageError } from './exit.ts'
import { faultLine, readPolicy, readText } from './files.ts'
import { print, printJson } from './output.ts'

const usage = `tenantgate coverage --policy POLICY [--openapi FILE]... [--envoy FILE|ADMIN_URL]...
  [--fail-on none|uncovered|any] [--format text|json]
  --openapi  an OpenAPI 3 document, YAML or JSON
  --envoy    Envoy's configuration: a file, or the admin interface of a running one
  --fail-on  what exit status 1 stands for: uncovered (default), any (dead and ungranted too), none`

const thresholds = ['none', 'uncovered', 'any']

/** Compares a policy with what it protects: what has no rule, which rules do nothing, who can call what. */
export async function coverage(args: readonly string[]): Promise<number> {
  const { all, format, one, words } = parseArguments(args, usage, {
    values: ['policy', 'openapi', 'envoy', 'fail-on'],
  })
  const policyFile = one('policy')
  const failOn = one('fail-on') ?? 'uncovered'
  if (policyFile === undefined || words.length > 0) throw new UsageError(`usage: ${usage}`)
  if (!thresholds.includes(failOn)) {
    throw new UsageError(
      `--fail-on is ${thresholds.join(', ')}, not "${failOn}"\n\nusage: ${usage}`,
    )
  }
  const policy = readPolicy(policyFile)
  const [documents, gateways] = [all('openapi'), all('envoy')]
  const result = coverageOf(policy, {
    openapi: documents.length === 0 ? undefined : documents.flatMap(operationsOf),
    envoy: gateways.length === 0 ? undefined : await Promise.all(gateways.map(gatewayAt)),
  })
  if (format === 'json') printJson(result)
  else print(coverageText(policyFile, result))
  return fails(result, failOn) ? exit.findings : exit.holds
}

function fails({ dead, uncovered, ungranted, uncallable }: Coverage, failOn: string): boolean {
  if (failOn === 'none') return false
  const others = failOn === 'any' ? [...dead, ...ungranted, ...uncallable] : []
  return uncovered.length + others.length > 0
}

function operationsOf(file: string): readonly Operation[] {
  const reading = readOperations(file, parsePolicyDocument(readText(file)))
  return 'operations' in reading ? reading.operations : refuse(file, reading.faults)
}

async function gatewayAt(place: string): Promise<Gateway> {
  if (/^https?:\/\//i.test(place)) return readRunningGateway(place)
  const reading = readGatewayFile(place, parsePolicyDocument(readText(place)))
  return 'faults' in reading ? refuse(place, reading.faults) : reading
}

function refuse(file: string, faults: readonly LocatedFault[]): never {
  throw new AppError('INPUT_INVALID', faults.map((fault) => faultLine(file, fault)).join('\n'))
}
