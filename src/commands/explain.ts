import { existsSync } from 'node:fs'
import { explain as explainStated } from '../application/explain.ts'
import { readSimulatedRequest } from '../application/policy-cases.ts'
import { readSubject, type SimulatedSubject } from '../application/subject.ts'
import { statusOf } from '../domain/decision.ts'
import { createPolicyReader, type PolicyReader } from '../domain/policy-reader.ts'
import { parseArguments } from './arguments.ts'
import { exit, UsageError } from './exit.ts'
import { readDocument, readPolicy, readText } from './files.ts'
import { print, printJson } from './output.ts'

const usage = `tenantgate explain --policy POLICY --request "POST /path" --as FILE|JSON|anonymous
  [--host HOST] [--header "NAME: VALUE"]... [--extension NAME=VALUE]... [--format text|json]
  JSON as in policy cases: '{"user": "u1", "organization": "org-a", "roles": ["staff"]}'`

/** Tells how a request would be decided, step by step, by the service's own evaluation. */
export async function explain(args: readonly string[]): Promise<number> {
  const { one, all, format, words } = parseArguments(args, usage, {
    values: ['policy', 'request', 'as', 'host', 'header', 'extension'],
  })
  const [policyFile, requestText, as] = [one('policy'), one('request'), one('as')]
  if (
    policyFile === undefined ||
    requestText === undefined ||
    as === undefined ||
    words.length > 0
  ) {
    throw new UsageError(`usage: ${usage}`)
  }
  const policy = readPolicy(policyFile)
  const reader = createPolicyReader()
  const request = readSimulatedRequest(
    reader,
    new Map<string, unknown>([
      ['request', requestText],
      ...(one('host') === undefined ? [] : [['host', one('host')] as const]),
      ['headers', pairs(all('header'), ':')],
      ['extensions', pairs(all('extension'), '=')],
    ]),
    [],
  )
  if (request === undefined || reader.faults.length > 0) throw new UsageError(faultsOf(reader))
  const { subject } = readAs(as)
  const { decision, explanation } = await explainStated(policy, { request, subject }, Date.now())
  const { reason, steps } = explanation
  if (format === 'json') printJson(explanation)
  else {
    for (const { step, outcome, detail } of steps) {
      print(`${outcome === 'passed' ? 'ok    ' : 'REFUSE'}  ${step.padEnd(10)}  ${detail}`)
    }
    const shadow = reason !== 'granted' && decision.passes ? ', passes in shadow mode' : ''
    print(`${explanation.decision} (${reason}, ${statusOf(reason)}${shadow}) by ${policy.version}`)
  }
  return exit.holds
}

function pairs(texts: readonly string[], separator: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf(separator)
      if (at < 1) throw new UsageError(`"${text}" is not NAME${separator}VALUE\n\nusage: ${usage}`)
      return [text.slice(0, at).trim(), text.slice(at + 1).trim()]
    }),
  )
}

function readAs(as: string): { readonly subject: SimulatedSubject } {
  const isFile = as !== 'anonymous' && !as.trimStart().startsWith('{') && existsSync(as)
  return readDocument<{ readonly subject: SimulatedSubject }>(
    isFile ? as : '--as',
    isFile ? readText(as) : as,
    (value) => {
      const reader = createPolicyReader()
      const subject = readSubject(reader, value, [])
      return subject === undefined || reader.faults.length > 0
        ? { faults: reader.faults }
        : { subject }
    },
  )
}

function faultsOf(reader: PolicyReader): string {
  return `${reader.faults.map(({ path, message }) => `--${path.join('.')}: ${message}`).join('\n')}\n\nusage: ${usage}`
}
