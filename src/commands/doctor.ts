import { counted, type Finding } from '../domain/finding.ts'
import { examine } from '../compose-doctor.ts'
import { readConfig } from '../config.ts'
import { parseArguments } from './arguments.ts'
import { exit, UsageError } from './exit.ts'
import { complain, print, printJson } from './output.ts'

const usage = `tenantgate doctor [--envoy ADMIN_URL] [--format text|json]
  looks at what serve depends on, with the same environment (see docs/doctor.md); changes nothing`

/** Examines the database, Redis, NATS, keys, policy, clocks and, if asked to, a running Envoy. */
export async function doctor(args: readonly string[]): Promise<number> {
  const { format, one, words } = parseArguments(args, usage, { values: ['envoy'] })
  const envoy = one('envoy')
  const protocol = envoy === undefined ? 'http:' : URL.parse(envoy)?.protocol
  if (words.length > 0 || (protocol !== 'http:' && protocol !== 'https:')) {
    throw new UsageError(`usage: ${usage}`)
  }
  const reading = readConfig(process.env)
  if ('faults' in reading) {
    const lines = reading.faults.map(({ variable, message }) => `  ${variable}: ${message}`)
    complain(`the environment is not that of a service:\n${lines.join('\n')}`)
    return exit.usage
  }
  const checks = await examine(reading.config, envoy)
  if (format === 'json') printJson({ checks })
  else printText(checks)
  return checks.some(({ status }) => status === 'error') ? exit.findings : exit.holds
}

function printText(checks: readonly Finding[]): void {
  const width = Math.max(...checks.map(({ name }) => name.length))
  for (const { name, status, message, why, mend } of checks) {
    print(`${status.padEnd(5)}  ${name.padEnd(width)}  ${message}`)
    if (why !== null) print(`         why   ${why}`)
    if (mend !== null) print(`         mend  ${mend.replaceAll('\n', '\n               ')}`)
  }
  const count = (status: string): number => checks.filter((one) => one.status === status).length
  print(
    `${count('ok')} ok, ${counted(count('warn'), 'warning')}, ${counted(count('error'), 'error')}`,
  )
}
