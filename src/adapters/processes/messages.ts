import type { Answer, News, Order, Question } from '../../application/worker-talk.ts'

/**
 * Reads what comes out of a channel between processes. What is none of the messages is undefined:
 * the other side may be of another release, whose files were replaced while this one runs.
 */

/** What a worker is told; `readStart` reads what it starts with. */
export function readOrder<Start>(
  message: unknown,
  readStart: (value: unknown) => Start | undefined,
): Order<Start> | undefined {
  if (!isObject(message)) return undefined
  const { broken, id, question, type } = message
  switch (type) {
    case 'start': {
      const start = readStart(message['start'])
      return start === undefined ? undefined : { type, start }
    }
    case 'ask':
      return isCount(id) && isQuestion(question) ? { type, id, question } : undefined
    case 'log':
      return typeof broken === 'boolean' ? { type, broken } : undefined
    case 'stop':
      return { type }
    default:
      return undefined
  }
}

/** What a worker tells. */
export function readNews(message: unknown): News | undefined {
  if (!isObject(message)) return undefined
  const { address, code, message: why, metrics, type } = message
  switch (type) {
    case 'listening':
      return isText(address) ? { type, address } : undefined
    case 'failed':
      return isText(code) && isText(why) ? { type, code, message: why } : undefined
    case 'leaving':
      return { type }
    case 'farewell':
      return isText(metrics) ? { type, metrics } : undefined
    case 'answer':
      return readAnswer(message)
    default:
      return undefined
  }
}

const answerForms: { readonly [K in Answer['kind']]: (value: unknown) => boolean } = {
  state: (value) => isObject(value) && isText(value['policy']) && isReport(value['report']),
  metrics: isText,
  prepare: isFlag,
  commit: isFlag,
  drain: isFlag,
  decision: (value) => value === null || isRecord(value),
  decisions: isDecisions,
}

/** A value that is not what its kind has to be is none: the question counts as not answered. */
function readAnswer(message: Fields): News | undefined {
  const { id, kind, value } = message
  if (!isCount(id) || !isKind(kind)) return undefined
  const told = answerForms[kind](value) ? value : undefined
  return { type: 'answer', id, kind, value: told } as News
}

function isKind(kind: unknown): kind is Answer['kind'] {
  return typeof kind === 'string' && Object.hasOwn(answerForms, kind)
}

function isQuestion(question: unknown): question is Question {
  if (!isObject(question)) return false
  const { before, filter, id, kind, limit, lookAt, maxBytes, text, version } = question
  switch (kind) {
    case 'state':
    case 'metrics':
    case 'drain':
      return true
    case 'prepare':
      return isText(version) && isText(text)
    case 'commit':
      return isText(version)
    case 'decision':
      return isText(id)
    case 'decisions':
      return (
        (before === null || isCount(before)) &&
        isCount(limit) &&
        isCount(lookAt) &&
        isCount(maxBytes) &&
        isObject(filter)
      )
    default:
      return false
  }
}

function isDecisions(value: unknown): boolean {
  if (!isObject(value)) return false
  const { next, numbers, records } = value
  return (
    Array.isArray(records) &&
    records.every(isRecord) &&
    Array.isArray(numbers) &&
    numbers.length === records.length &&
    numbers.every(isCount) &&
    (next === null || isCount(next))
  )
}

function isReport(value: unknown): boolean {
  if (!isObject(value)) return false
  const { components, status } = value
  return (
    ['ready', 'degraded', 'not_ready', 'draining'].includes(status as string) &&
    isObject(components) &&
    Object.values(components).every(
      (one) => isObject(one) && ['ok', 'degraded', 'down'].includes(one['status'] as string),
    )
  )
}

/** Enough to be ordered; a record was made by this same code. */
function isRecord(value: unknown): boolean {
  return isObject(value) && isText(value['decision_id']) && isText(value['timestamp'])
}

type Fields = Readonly<Record<string, unknown>>
const isObject = (value: unknown): value is Fields => typeof value === 'object' && value !== null
const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0
function isText(value: unknown): value is string {
  return typeof value === 'string'
}
function isFlag(value: unknown): value is boolean {
  return typeof value === 'boolean'
}
