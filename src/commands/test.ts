import { writeFileSync } from 'node:fs'
import { junitXml } from '../adapters/files/junit.ts'
import { readPolicyCases, runPolicyCases } from '../application/policy-cases.ts'
import { AppError } from '../domain/errors.ts'
import { parseArguments } from './arguments.ts'
import { exit, UsageError } from './exit.ts'
import { readDocument, readPolicy, readText } from './files.ts'
import { print, printJson } from './output.ts'

const usage = 'tenantgate test POLICY CASES... [--junit FILE] [--format text|json]'

/** Runs policy cases against a policy. */
export async function test(args: readonly string[]): Promise<number> {
  const { words, one, format } = parseArguments(args, usage, { values: ['junit'] })
  const [policyFile, ...caseFiles] = words
  if (policyFile === undefined || caseFiles.length === 0) throw new UsageError(`usage: ${usage}`)
  const policy = readPolicy(policyFile)
  const nowMs = Date.now()
  const suites = await Promise.all(
    caseFiles.map(async (file) => {
      const { cases } = readDocument(file, readText(file), readPolicyCases)
      return { name: file, cases: await runPolicyCases(policy, cases, nowMs) }
    }),
  )
  const cases = suites.flatMap((suite) => suite.cases)
  const failed = cases.filter((result) => !result.passed).length
  const junit = one('junit')
  if (junit !== undefined) writeReport(junit, junitXml(suites))
  if (format === 'json') printJson({ passed: cases.length - failed, failed, cases })
  else {
    for (const suite of suites) {
      print(suite.name)
      for (const { name, passed, expected, actual } of suite.cases) {
        print(passed ? `  ok    ${name}` : `  FAIL  ${name}: expected ${expected}, was ${actual}`)
      }
    }
    print(`${cases.length - failed} passed, ${failed} failed`)
  }
  return failed > 0 ? exit.findings : exit.holds
}

function writeReport(file: string, text: string): void {
  try {
    writeFileSync(file, text)
  } catch (cause) {
    throw new AppError('CONFIG_INVALID', `cannot write ${file}: ${(cause as Error).message}`, {
      cause,
    })
  }
}
