import type { RecordedDecision } from '../../domain/recorded.ts'
import { ByteCursor, literal } from './byte-cursor.ts'
import { PlainDecision } from './plain-decision.ts'
import { createPlainParts } from './plain-parts.ts'
import { maxPartLength, type RememberedParts } from './remembered-parts.ts'

const lineFeed = 0x0a
const comma = 0x2c
const openBrace = 0x7b
const brace = 0x7d

const beforeId = literal('{"type":"decision","decision_id":')
const beforeTimestamp = literal(',"timestamp":')
const beforeHead = literal(',"decision":')
const headEnd = '],"method":'
const beforeMethod = literal(',"method":')
const beforeHost = literal(',"host":')
const beforePath = literal(',"path":')
const beforeUser = literal(',"user_id":')
const beforeOrganization = literal(',"organization_id":')
const beforeTenant = literal(',"tenant":')
const beforeToken = literal(',"token":')
const beforeAlgorithm = literal('{"alg":')
const beforeKey = literal(',"kid":')
const beforeIssued = literal(',"iat":')
const beforeExpiry = literal(',"exp":')
const rolesEnd = '},"fact":'
const beforeFact = literal(',"fact":')
const factEnd = ',"age_ms":'
const beforeAge = literal(factEnd)
const beforeHeaders = literal(',"tenant_headers":')
const headersEnd = '},"extensions":'
const beforeExtensions = literal(',"extensions":')
const extensionsEnd = '},"request_id":'
const beforeRequestId = literal(',"request_id":')
const beforeTrace = literal(',"trace_id":')
const beforeSpan = literal(',"span_id":')
const beforeDuration = literal(',"duration_us":')
const beforeWorker = literal(',"worker":')
const beforeShare = literal(',"share":')

/**
 * Reads decisions from lines in the very form in which they are written (`createPlainDecisionLine`):
 * the fields in their order, without a space, strings of ASCII without escapes. Of any other line it
 * says nothing. No field can stand twice in that form, and each is checked to be what it has to be, so
 * that what is read is what `JSON.parse` and `readRecord` read. Measured: in a sixth of their time.
 */
export class PlainDecisionReader {
  /** Lines that begin before this place of the bytes can be read. */
  end = 0
  /** The place of the line feed of the line that was read last. */
  lineEnd = 0
  readonly #cursor = new ByteCursor()
  readonly #parts = createPlainParts()

  /** Begins with other bytes. */
  begin(bytes: Buffer): void {
    const last = bytes.length - 1 - ByteCursor.slack
    this.end = last < 0 ? 0 : bytes.lastIndexOf(lineFeed, last) + 1
    if (this.end > 0) this.#cursor.begin(bytes)
  }

  /** Reads the line that begins at a place before `end`; undefined: it is of another form. */
  read(from: number): RecordedDecision | undefined {
    const decision = new PlainDecision()
    this.#cursor.at = from
    const isRead =
      this.#readHead(decision) &&
      this.#readRequest(decision) &&
      this.#readSubject(decision) &&
      this.#readToken(decision) &&
      this.#readFact(decision) &&
      this.#readRoute(decision) &&
      this.#readRest(decision)
    return isRead ? decision : undefined
  }

  #readHead(decision: PlainDecision): boolean {
    const cursor = this.#cursor
    if (!cursor.skip(beforeId)) return false
    const id = cursor.string()
    if (id === undefined || !cursor.skip(beforeTimestamp)) return false
    const timestamp = cursor.string()
    if (timestamp === undefined || !cursor.skip(beforeHead)) return false
    cursor.at += 1 - beforeHead.length
    const head = this.#part(this.#parts.head, headEnd, 1)
    if (head === undefined || !cursor.skip(beforeMethod)) return false
    decision.decision_id = id
    decision.timestamp = timestamp
    decision.reason = head.reason
    decision.policy = head.policy
    decision.route = head.route
    return true
  }

  #readRequest(decision: PlainDecision): boolean {
    const cursor = this.#cursor
    const method = cursor.string()
    if (method === undefined || !cursor.skip(beforeHost)) return false
    const host = cursor.string()
    if (host === undefined || !cursor.skip(beforePath)) return false
    const path = cursor.stringOrNull()
    if (path === undefined) return false
    decision.method = method
    decision.host = host
    decision.path = path
    return true
  }

  #readSubject(decision: PlainDecision): boolean {
    const cursor = this.#cursor
    if (!cursor.skip(beforeUser)) return false
    const user = cursor.stringOrNull()
    if (user === undefined || !cursor.skip(beforeOrganization)) return false
    const organization = cursor.stringOrNull()
    if (organization === undefined || !cursor.skip(beforeTenant)) return false
    const tenant = cursor.stringOrNull()
    if (tenant === undefined) return false
    decision.user_id = user
    decision.organization_id = organization
    decision.tenant = tenant
    return true
  }

  /** Whoever has a token has an id: the two are there together or not at all. */
  #readToken(decision: PlainDecision): boolean {
    const cursor = this.#cursor
    if (!cursor.skip(beforeToken)) return false
    if (cursor.skipNull()) return decision.user_id === null
    if (decision.user_id === null || !cursor.skip(beforeAlgorithm)) return false
    const alg = cursor.string()
    if (alg === undefined || !cursor.skip(beforeKey)) return false
    const kid = cursor.stringOrNull()
    if (kid === undefined || !cursor.skip(beforeIssued)) return false
    const iat = cursor.numberOrNull()
    if (iat === undefined || !cursor.skip(beforeExpiry)) return false
    const exp = cursor.number()
    if (exp === undefined || !cursor.skip(beforeOrganization)) return false
    const organization = cursor.stringOrNull()
    if (organization === undefined || !cursor.skipByte(comma)) return false
    const roles = this.#part(this.#parts.roles, rolesEnd, 0)
    if (roles === undefined || !cursor.skipByte(brace)) return false
    const { org_roles, platform_roles } = roles
    decision.token = {
      alg,
      kid,
      iat,
      exp,
      organization_id: organization,
      org_roles,
      platform_roles,
    }
    return true
  }

  #readFact(decision: PlainDecision): boolean {
    const cursor = this.#cursor
    if (!cursor.skip(beforeFact)) return false
    if (cursor.skipNull()) return true
    if (!cursor.skipByte(openBrace)) return false
    const known = this.#part(this.#parts.fact, factEnd, 0)
    if (known === undefined || !cursor.skip(beforeAge)) return false
    const age = cursor.number()
    if (age === undefined || !cursor.skipByte(brace)) return false
    const { banned, dynamic, platform_roles, rows, source, user } = known
    decision.fact = { source, rows, dynamic, platform_roles, banned, user, age_ms: age }
    return true
  }

  /** What of Envoy's route and of the headers plays a part. */
  #readRoute(decision: PlainDecision): boolean {
    const cursor = this.#cursor
    if (cursor.skip(beforeHeaders)) {
      const headers = this.#part(this.#parts.tenantHeaders, headersEnd, 1)
      if (headers === undefined) return false
      decision.tenant_headers = headers
    }
    if (!cursor.skip(beforeExtensions)) return false
    if (cursor.skipNull()) return true
    const extensions = this.#part(this.#parts.extensions, extensionsEnd, 1)
    if (extensions === undefined) return false
    decision.extensions = extensions
    return true
  }

  /** A part that ends where a text begins, or so many characters of it on. */
  #part<T>(parts: RememberedParts<T>, end: string, more: number): T | undefined {
    const { at, text } = this.#cursor
    const length = this.#cursor.distanceTo(end, maxPartLength)
    if (length === -1) return undefined
    this.#cursor.at = at + length + more
    return parts.read(text.slice(at, at + length + more))
  }

  /** What plays no part, but for the share. */
  #readRest(decision: PlainDecision): boolean {
    const cursor = this.#cursor
    if (!cursor.skip(beforeRequestId) || !cursor.skipStringOrNull()) return false
    if (!cursor.skip(beforeTrace) || !cursor.skipStringOrNull()) return false
    if (cursor.skip(beforeSpan) && !cursor.skipString()) return false
    if (!cursor.skip(beforeDuration) || cursor.number() === undefined) return false
    if (!cursor.skip(beforeWorker) || cursor.number() === undefined) return false
    if (cursor.skip(beforeShare)) {
      const share = cursor.number()
      if (share === undefined || share <= 0 || share > 1) return false
      decision.share = share
    }
    this.lineEnd = cursor.at + 1
    return cursor.skipByte(brace) && cursor.skipByte(lineFeed)
  }
}
