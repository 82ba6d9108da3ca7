import type { DecisionRecord } from '../domain/record.ts'
import type { TextSlots } from '../ports/text-slots.ts'

/** What a record holds beside the texts whose length a client chooses, in bytes: measured. */
const bytesOfRecord = 1_200
/** What a text of a list holds beside its characters, and what a character takes at most. */
const bytesOfText = 24
const bytesOfCharacter = 2

const nothing: readonly never[] = []
const noRoles: FactRecord['dynamic'] = {}
/** The length of a text that is null. */
const none = -1

type Writable<T> = { -readonly [K in keyof T]: T[K] }
type OwnText = 'decision_id' | 'path' | 'host' | 'method' | 'request_id' | 'trace_id' | 'tenant'
/** What is not a text of the request's own: numbers, and what many records share. */
type Shared = Writable<Omit<DecisionRecord, OwnText | 'fact'>>
type FactRecord = NonNullable<DecisionRecord['fact']>

/**
 * A place in the store, which takes one decision after another. The texts of a request lie beside the
 * heap, and of the rest it holds only what many records share: so a kept decision leaves nothing to the
 * garbage collector that outlives its next run. A text that was cut out of a request would hold all of
 * it, with its query: for that too they are copied. A class, since its fields are overwritten.
 */
export class KeptDecision {
  /** Roughly what it holds, in bytes. */
  size = 0
  readonly #slot: number
  readonly #slots: TextSlots
  /** The texts, where they found no place beside the heap. */
  #text: string | undefined
  /** The length of each text, in the order in which they are put together. */
  readonly #lengths: number[] = [0, 0, 0, 0, none, none, none]
  readonly #shared: Shared
  #fact: Writable<FactRecord> | null = null

  constructor(slot: number, slots: TextSlots, record: DecisionRecord) {
    this.#slot = slot
    this.#slots = slots
    this.#shared = sharedOf(record)
    this.put(record)
  }

  /** Takes a decision instead of the one that was here. */
  put(record: DecisionRecord): void {
    this.size = sizeOf(record)
    this.#putTexts(record)
    putShared(this.#shared, record)
    const { fact } = record
    if (fact === null) this.#fact = null
    else if (this.#fact === null) this.#fact = { ...fact }
    else putFact(this.#fact, fact)
  }

  #putTexts(record: DecisionRecord): void {
    const { decision_id, host, method, path, request_id, tenant, trace_id } = record
    const lengths = this.#lengths
    lengths[0] = decision_id.length
    lengths[1] = host.length
    lengths[2] = method.length
    lengths[3] = path?.length ?? none
    lengths[4] = request_id?.length ?? none
    lengths[5] = trace_id?.length ?? none
    lengths[6] = tenant?.length ?? none
    const text = `${decision_id}${host}${method}${path ?? ''}${request_id ?? ''}${trace_id ?? ''}${tenant ?? ''}`
    // A text in front makes one of its own of what may be a part of another.
    this.#text = this.#slots.write(this.#slot, text) ? undefined : ` ${text}`.slice(1)
  }

  /** Lets go of what one decision alone holds; there is none here until the next is put. */
  clear(): void {
    this.#text = ''
    const shared = this.#shared
    shared.token = null
    shared.extensions = null
    if (shared.tenant_headers !== undefined) delete shared.tenant_headers
    const fact = this.#fact
    if (fact === null) return
    fact.rows = fact.platform_roles = nothing
    fact.dynamic = noRoles
  }

  /** Whether the decision here is of this id. */
  is(decisionId: string): boolean {
    const [length = 0] = this.#lengths
    return length === decisionId.length && this.#textUpTo(length) === decisionId
  }

  /** The decision as it was put here. */
  record(): DecisionRecord {
    const lengths = this.#lengths
    const text = this.#textUpTo(lengths.reduce((sum, length) => sum + Math.max(0, length), 0))
    let at = 0
    const own = lengths.map((length) => (length === none ? null : text.slice(at, (at += length))))
    const [
      decision_id,
      host,
      method,
      path = null,
      request_id = null,
      trace_id = null,
      tenant = null,
    ] = own
    const { decision, mode, permission, policy, reason, route, status, timestamp } = this.#shared
    const { extensions, organization_id, token, type, user_id } = this.#shared
    const { duration_us, share, span_id, tenant_headers, worker } = this.#shared
    return {
      ...{
        type,
        decision_id: decision_id ?? '',
        timestamp,
        decision,
        reason,
        status,
        mode,
        policy,
      },
      ...{ route, permission, method: method ?? '', host: host ?? '', path, user_id },
      ...{ organization_id, tenant, token, fact: this.#fact && { ...this.#fact } },
      ...(tenant_headers !== undefined && { tenant_headers }),
      ...{ extensions, request_id, trace_id },
      ...(span_id !== undefined && { span_id }),
      ...{ duration_us, worker },
      ...(share !== undefined && { share }),
    }
  }

  #textUpTo(length: number): string {
    return this.#text?.slice(0, length) ?? this.#slots.read(this.#slot, length)
  }
}

function sharedOf(record: DecisionRecord): Shared {
  const { decision, mode, permission, policy, reason, route, status, timestamp, type } = record
  const { duration_us, extensions, organization_id, token, user_id, worker } = record
  return {
    ...{ type, timestamp, decision, reason, status, mode, policy, route, permission, user_id },
    ...{ organization_id, token, extensions, duration_us, worker },
  }
}

function putShared(shared: Shared, record: DecisionRecord): void {
  shared.timestamp = record.timestamp
  shared.decision = record.decision
  shared.reason = record.reason
  shared.status = record.status
  shared.mode = record.mode
  shared.policy = record.policy
  shared.route = record.route
  shared.permission = record.permission
  shared.user_id = record.user_id
  shared.organization_id = record.organization_id
  shared.token = record.token
  shared.extensions = record.extensions
  shared.duration_us = record.duration_us
  shared.worker = record.worker
  putOptional(shared, record)
}

/** Fields that most records lack are taken away rather than added to each. */
function putOptional(shared: Shared, { share, span_id, tenant_headers }: DecisionRecord): void {
  if (tenant_headers !== undefined) shared.tenant_headers = tenant_headers
  else if (shared.tenant_headers !== undefined) delete shared.tenant_headers
  if (span_id !== undefined) shared.span_id = span_id
  else if (shared.span_id !== undefined) delete shared.span_id
  if (share !== undefined) shared.share = share
  else if (shared.share !== undefined) delete shared.share
}

function putFact(kept: Writable<FactRecord>, fact: FactRecord): void {
  kept.source = fact.source
  kept.rows = fact.rows
  kept.dynamic = fact.dynamic
  kept.platform_roles = fact.platform_roles
  kept.banned = fact.banned
  kept.user = fact.user
  kept.age_ms = fact.age_ms
}

/** Whoever asks chooses path, host, method and request id; who owns an organization, its roles. */
function sizeOf(record: DecisionRecord): number {
  const { extensions, fact, host, method, path, request_id, tenant_headers, token } = record
  let bytes = (path?.length ?? 0) + host.length + method.length + (request_id?.length ?? 0)
  bytes *= bytesOfCharacter
  if (token !== null) {
    bytes += sizeOfTexts(token.org_roles) + sizeOfTexts(token.platform_roles)
    bytes += sizeOfText(token.kid)
  }
  if (fact !== null) {
    for (const roles of fact.rows) bytes += sizeOfTexts(roles)
    bytes += sizeOfTexts(fact.platform_roles)
    for (const role in fact.dynamic) {
      bytes += sizeOfText(role) + sizeOfTexts(fact.dynamic[role] ?? [])
    }
  }
  for (const name in tenant_headers) bytes += sizeOfText(tenant_headers[name])
  for (const key in extensions) bytes += sizeOfText(extensions[key])
  return bytesOfRecord + bytes
}

function sizeOfTexts(texts: readonly string[]): number {
  let bytes = 0
  for (const text of texts) bytes += sizeOfText(text)
  return bytes
}

function sizeOfText(text: string | null | undefined): number {
  return bytesOfText + (text?.length ?? 0) * bytesOfCharacter
}
