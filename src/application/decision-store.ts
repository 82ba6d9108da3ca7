import type { DecisionRecord } from '../domain/record.ts'
import type { DecisionLog } from '../ports/decision-log.ts'

/** The latest decisions of this process, in memory. */
export interface DecisionStore {
  readonly keep: (record: DecisionRecord) => void
  readonly find: (decisionId: string) => DecisionRecord | undefined
  readonly page: (query: StoreQuery) => StorePage
  readonly usage: () => { readonly entries: number; readonly bytes: number }
}

/** What to look for, newest first. */
export interface StoreQuery {
  /** Where to go on: before the decision of this number. Null: from the newest on. */
  readonly before: number | null
  readonly limit: number
  /** Decisions to look at most, whether they match or not. */
  readonly lookAt: number
  /** What the decisions of a page may hold in bytes, but for its last one: somebody writes them out. */
  readonly maxBytes: number
  readonly matches: (record: DecisionRecord) => boolean
}

/** What was found; `next` is where to go on, null: there is no older decision. */
export interface StorePage {
  readonly records: readonly DecisionRecord[]
  readonly next: number | null
}

/** Bounds of a store; the oldest decisions leave it first. */
export interface DecisionStoreLimits {
  readonly maxEntries: number
  readonly maxBytes: number
}

/** What a record holds beside the texts that others choose, in bytes: measured. */
const bytesOfRecord = 1_200
/** What a text of a list holds beside its characters, and what a character takes at most. */
const bytesOfText = 24
const bytesOfCharacter = 2

/** Makes an empty store: a ring of records as they are, without any work on them. */
export function createDecisionStore({ maxBytes, maxEntries }: DecisionStoreLimits): DecisionStore {
  const ring: (DecisionRecord | undefined)[] = new Array<undefined>(maxEntries).fill(undefined)
  const sizes = new Uint32Array(maxEntries)
  /** Decisions are numbered as they come; those from `oldest` to before `next` are in the ring. */
  let oldest = 0
  let next = 0
  let bytes = 0

  const at = (number: number): DecisionRecord | undefined => ring[number % maxEntries]
  const sizeAt = (number: number): number => sizes[number % maxEntries] ?? 0

  function dropOldest(): void {
    bytes -= sizeAt(oldest)
    ring[oldest % maxEntries] = undefined
    oldest += 1
  }

  return {
    keep(record) {
      const kept = detached(record)
      const size = sizeOf(kept)
      while (next - oldest >= maxEntries || (next > oldest && bytes + size > maxBytes)) dropOldest()
      ring[next % maxEntries] = kept
      sizes[next % maxEntries] = size
      bytes += size
      next += 1
    },
    find(decisionId) {
      for (let number = next - 1; number >= oldest; number -= 1) {
        const record = at(number)
        if (record?.decision_id === decisionId) return record
      }
      return undefined
    },
    page({ before, limit, lookAt, matches, maxBytes: mostBytes }) {
      let held = 0
      const records: DecisionRecord[] = []
      const from = Math.min(before ?? next, next)
      const end = Math.max(oldest, from - lookAt)
      let number = from
      while (number > end && records.length < limit && held < mostBytes) {
        number -= 1
        const record = at(number)
        if (record === undefined || !matches(record)) continue
        records.push(record)
        held += sizeAt(number)
      }
      return { records, next: number > oldest ? number : null }
    },
    usage: () => ({ entries: next - oldest, bytes }),
  }
}

/** The log, with what it takes kept in a store too: also where it writes nothing itself. */
export function keepDecisions<Log extends DecisionLog>(
  log: Log,
  store: Pick<DecisionStore, 'keep'>,
  logRequired: boolean,
): Log {
  return {
    ...log,
    decision(record) {
      const taken = log.decision(record)
      // What must be logged and cannot be is denied: the decision of this record is never sent.
      if (taken || !logRequired) store.keep(record)
      return taken
    },
  }
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

/**
 * Texts that were cut from the request target would hold all of it, with its query, for as long as
 * the record is kept: they are copied.
 */
function detached(record: DecisionRecord): DecisionRecord {
  const { path, tenant } = record
  return { ...record, path: copied(path), tenant: copied(tenant) }
}

function copied(text: string | null): string | null {
  return text === null ? null : ` ${text}`.slice(1)
}
