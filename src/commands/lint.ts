import { parseArguments } from './arguments.ts'
import { exit, UsageError } from './exit.ts'
import { faultLine, loadPolicy, readText } from './files.ts'
import { print, printJson } from './output.ts'

const usage = 'tenantgate lint POLICY [--format text|json]'

/** Validates a policy and reports all faults at once. */
export function lint(args: readonly string[]): number {
  const { words, format } = parseArguments(args, usage)
  const [file, ...others] = words
  if (file === undefined || others.length > 0) throw new UsageError(`usage: ${usage}`)
  const loading = loadPolicy(readText(file))
  const faults = 'faults' in loading ? loading.faults : []
  if (format === 'json') printJson({ faults })
  else if ('policy' in loading) {
    const { definition, version } = loading.policy
    print(`${file}: no faults (${definition.routes.length} routes, ${version})`)
  } else {
    for (const fault of faults) print(faultLine(file, fault))
    print(`${faults.length} ${faults.length === 1 ? 'fault' : 'faults'}`)
  }
  return faults.length > 0 ? exit.findings : exit.holds
}
