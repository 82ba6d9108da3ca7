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

/** What a record holds beside the texts whose length a client chooses, in bytes: measured. */
const bytesOfRecord = 1_200

/** Makes an empty store: a ring of records as they are, without any work on them. */
export function createDecisionStore({ maxBytes, maxEntries }: DecisionStoreLimits): DecisionStore {
  const ring: (DecisionRecord | undefined)[] = new Array<undefined>(maxEntries).fill(undefined)
  /** Decisions are numbered as they come; those from `oldest` to before `next` are in the ring. */
  let oldest = 0
  let next = 0
  let bytes = 0

  const at = (number: number): DecisionRecord | undefined => ring[number % maxEntries]

  function dropOldest(): void {
    const record = at(oldest)
    if (record !== undefined) bytes -= sizeOf(record)
    ring[oldest % maxEntries] = undefined
    oldest += 1
  }

  return {
    keep(record) {
      const kept = detached(record)
      const size = sizeOf(kept)
      while (next - oldest >= maxEntries || (next > oldest && bytes + size > maxBytes)) dropOldest()
      ring[next % maxEntries] = kept
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
    page({ before, limit, lookAt, matches }) {
      const records: DecisionRecord[] = []
      const from = Math.min(before ?? next, next)
      const end = Math.max(oldest, from - lookAt)
      let number = from
      while (number > end && records.length < limit) {
        number -= 1
        const record = at(number)
        if (record !== undefined && matches(record)) records.push(record)
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

function sizeOf({ path, host, request_id, token, tenant_headers }: DecisionRecord): number {
  let characters = (path?.length ?? 0) + host.length + (request_id?.length ?? 0)
  if (token !== null) {
    for (const role of token.org_roles) characters += role.length
    for (const role of token.platform_roles) characters += role.length
  }
  for (const name in tenant_headers) characters += tenant_headers[name]?.length ?? 0
  return bytesOfRecord + characters
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
