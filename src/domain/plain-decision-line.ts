import type { DecisionRecord } from './record.ts'
import { RecordedToken } from './recorded-token.ts'
import { RecordedFact } from './remembered-fact.ts'

/** What the lines of one route have in common, as long as they come out alike. */
interface Head {
  readonly reason: DecisionRecord['reason']
  readonly mode: DecisionRecord['mode']
  readonly policy: string
  readonly permission: readonly string[]
  readonly method: string
  readonly host: string
  /** From `decision` to `host`. */
  readonly text: string
}

/** Routes whose heads are remembered; beyond it all are forgotten and made anew. */
const maxHeads = 100_000

/**
 * Makes what writes a record as its line: the very text of `JSON.stringify(record)`, put together from
 * parts that many lines share and that are made once: those of the route, of the token and of the
 * fact. Measured: a third of the time.
 */
export function createPlainDecisionLine(): (record: DecisionRecord) => string {
  const heads = new Map<string, Head>()

  function headOf(record: DecisionRecord, route: string): string {
    const known = heads.get(route)
    if (known !== undefined && isHeadOf(known, record)) return known.text
    const { host, method, mode, permission, policy, reason } = record
    const head = { host, method, mode, permission, policy, reason, text: headText(record) }
    if (heads.size >= maxHeads) heads.clear()
    heads.set(route, head)
    return head.text
  }

  return function plainDecisionLine(record) {
    // What is no record, whatever its type says, is written as it is.
    const { type }: { readonly type: string } = record
    if (type !== 'decision') return JSON.stringify(record)
    const { fact, route, token } = record
    const head = route === null ? headText(record) : headOf(record, route)
    const subject = RecordedToken.textOf(token, record) ?? subjectText(record)
    // Its id and its time are the service's own: they hold nothing to escape.
    return `{"type":"decision","decision_id":"${record.decision_id}","timestamp":"${record.timestamp}",${head},"path":${quoted(record.path)},${subject},"fact":${fact === null ? 'null' : RecordedFact.textOf(fact)}${tailText(record)}`
  }
}

function isHeadOf(head: Head, record: DecisionRecord): boolean {
  return (
    head.policy === record.policy &&
    head.reason === record.reason &&
    head.permission === record.permission &&
    head.mode === record.mode &&
    head.method === record.method &&
    head.host === record.host
  )
}

function headText(record: DecisionRecord): string {
  const { decision, host, method, mode, permission, policy, reason, route, status } = record
  const fields = { decision, reason, status, mode, policy, route, permission, method, host }
  return JSON.stringify(fields).slice(1, -1)
}

/** Where a token is of another organization than the request, or there is none. */
function subjectText({ organization_id, tenant, token, user_id }: DecisionRecord): string {
  return JSON.stringify({ user_id, organization_id, tenant, token }).slice(1, -1)
}

function tailText(record: DecisionRecord): string {
  const { duration_us, request_id, share, span_id, tenant_headers, trace_id, worker } = record
  const headers =
    tenant_headers === undefined ? '' : `,"tenant_headers":${JSON.stringify(tenant_headers)}`
  const extensions = record.extensions === null ? 'null' : JSON.stringify(record.extensions)
  const span = span_id === undefined ? '' : `,"span_id":${quoted(span_id)}`
  const ofShare = share === undefined ? '' : `,"share":${share}`
  return `${headers},"extensions":${extensions},"request_id":${quoted(request_id)},"trace_id":${quoted(trace_id)}${span},"duration_us":${duration_us},"worker":${worker}${ofShare}}`
}

/** Characters that stand for themselves in a JSON text. */
const plain = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/

function quoted(text: string | null): string {
  if (text === null) return 'null'
  return plain.test(text) ? `"${text}"` : JSON.stringify(text)
}
