import { feedSubjects, intersection, subjectPrefix } from './adapters/nats/subjects.ts'
import { parseSize, readShare, type Environment, type Fault } from './config-values.ts'

/** Where decisions are logged, and how. */
export interface DecisionLogConfig {
  /** `stdout`, a file, `nats:SUBJECT` or `off`. */
  readonly decisionLog: string
  readonly decisionLogFormat: 'tenantgate' | 'opa'
  /** In bytes; undefined: tenantgate does not rotate the file. */
  readonly decisionLogMaxBytes: number | undefined
  readonly decisionLogKeep: number
  /** The share of allows that are logged, 0 to 1. */
  readonly loggedAllows: number
  /** Refuse what cannot be logged. */
  readonly logRequired: boolean
}

const leastFileBytes = 1_000_000
const mostKept = 1_000
const defaultKeep = 5
const natsScheme = 'nats:'
/** A subject that can be published to: tokens without wildcards, and not one of the server's own. */
const publishable = /^(?!\$)[^\s.*>\x00-\x1f\x7f]+(\.[^\s.*>\x00-\x1f\x7f]+)*$/

/** The subject of a decision log that goes to NATS; undefined: it goes elsewhere. */
export function natsSubjectOf(decisionLog: string): string | undefined {
  return decisionLog.startsWith(natsScheme) ? decisionLog.slice(natsScheme.length) : undefined
}

/** Whether a decision log is a file. */
export function isLogFile(decisionLog: string): boolean {
  return !['stdout', 'off'].includes(decisionLog) && !decisionLog.startsWith(natsScheme)
}

/** Reads the variables of the decision log. */
export function readDecisionLog(env: Environment, fault: Fault): DecisionLogConfig {
  const text = (name: string): string | undefined => {
    const value = env[name]?.trim()
    return value === '' ? undefined : value
  }
  const choice = <T extends string>(variable: string, choices: readonly [T, T]): T => {
    const value = text(variable)
    const found = choices.find((one) => one === value)
    if (value !== undefined && found === undefined) {
      fault(variable, `"${value}" is not ${choices.join(', ')}`)
    }
    return found ?? choices[0]
  }
  const decisionLog = text('TENANTGATE_DECISION_LOG') ?? 'stdout'
  const isFile = isLogFile(decisionLog)
  checkSubject(
    decisionLog,
    { url: text('NATS_URL'), prefix: text('TENANTGATE_NATS_PREFIX') },
    fault,
  )
  const logRequired = choice('TENANTGATE_DECISION_LOG_REQUIRED', ['false', 'true']) === 'true'
  if (logRequired && decisionLog === 'off') {
    fault('TENANTGATE_DECISION_LOG_REQUIRED', 'true with TENANTGATE_DECISION_LOG=off denies all')
  }
  const forFiles = (variable: string): string | undefined => {
    const value = text(variable)
    if (value !== undefined && !isFile) fault(variable, 'only a file is rotated: unset it')
    return value
  }
  return {
    decisionLog,
    decisionLogFormat: choice('TENANTGATE_DECISION_LOG_FORMAT', ['tenantgate', 'opa']),
    decisionLogMaxBytes: readMaxBytes(forFiles('TENANTGATE_DECISION_LOG_MAX_SIZE'), fault),
    decisionLogKeep: readKeep(forFiles('TENANTGATE_DECISION_LOG_KEEP'), fault),
    loggedAllows: readShare('TENANTGATE_DECISION_LOG_ALLOWS', env, fault),
    logRequired,
  }
}

function checkSubject(
  decisionLog: string,
  nats: { readonly url: string | undefined; readonly prefix: string | undefined },
  fault: Fault,
): void {
  const variable = 'TENANTGATE_DECISION_LOG'
  const subject = natsSubjectOf(decisionLog)
  if (subject === undefined) return
  if (!publishable.test(subject)) {
    fault(variable, 'write nats:SUBJECT, tokens separated by dots, as nats:tenantgate.decisions')
  } else if (isEvent(subject, nats.prefix)) {
    fault(variable, 'events of changes are read from that subject: choose another')
  }
  if (nats.url === undefined) fault(variable, 'set NATS_URL too: a stream is on a server')
}

function isEvent(subject: string, prefix: string | undefined): boolean {
  try {
    return feedSubjects(subjectPrefix(prefix)).some(
      (one) => intersection(one, subject) !== undefined,
    )
  } catch {
    return false // the prefix is a fault of its own
  }
}

function readMaxBytes(value: string | undefined, fault: Fault): number | undefined {
  if (value === undefined) return undefined
  const variable = 'TENANTGATE_DECISION_LOG_MAX_SIZE'
  const bytes = parseSize(value)
  if (bytes === undefined) fault(variable, `"${value}" is no size: write 512MB or 1GB`)
  else if (bytes < leastFileBytes) fault(variable, 'it must be at least 1MB')
  return bytes
}

function readKeep(value: string | undefined, fault: Fault): number {
  if (value === undefined) return defaultKeep
  const keep = /^\d+$/.test(value) ? Number(value) : 0
  if (keep < 1 || keep > mostKept) {
    fault('TENANTGATE_DECISION_LOG_KEEP', `"${value}" is not a number of files from 1 to 1000`)
  }
  return keep
}
