import { AppError } from '../domain/errors.ts'
import type { Policy } from '../domain/policy.ts'
import type { DecisionRecord } from '../domain/record.ts'
import type { DecisionHistory, FoundDecision, LogPlace } from '../ports/decision-history.ts'
import type { Digest } from '../ports/policy-document.ts'
import { matchesFilter, type DecisionFilter } from './decision-filter.ts'
import type { DecisionPages } from './decision-pages.ts'
import { explainRecord, type RecordExplanation } from './explain-record.ts'
import { createReplayPolicies } from './replay-policies.ts'

/** Where decisions are looked for: what the process keeps, or its decision log. */
export type DecisionSource = 'memory' | 'log'

/** Where a page ends: in memory a place of one start of the service, in the log one of a file. */
export type DecisionPosition =
  | { readonly source: 'memory'; readonly process: string; readonly place: string }
  | ({ readonly source: 'log' } & LogPlace)

/** Some decisions, newest first; `next` null: there are no older ones. */
export interface DecisionPage {
  readonly records: readonly DecisionRecord[]
  readonly next: DecisionPosition | null
}

/** A decision with how it came about; without its policy that cannot be told. */
export interface ExplainedDecision {
  readonly record: DecisionRecord
  readonly explanation: RecordExplanation | null
}

/** Decisions, looked up by administrators. */
export interface AdminDecisions {
  /** Whether there is such a source; to ask another one is a mistake. */
  readonly offers: (source: DecisionSource) => boolean
  /** Rejects with `INPUT_INVALID` where a position cannot be gone on from. */
  readonly page: (query: DecisionQuery, signal: AbortSignal) => Promise<DecisionPage>
  readonly byId: (
    id: string,
    source: DecisionSource,
    signal: AbortSignal,
  ) => Promise<ExplainedDecision | undefined>
}

/** Which decisions, from where on. */
export interface DecisionQuery {
  readonly source: DecisionSource
  readonly filter: DecisionFilter
  readonly limit: number
  readonly after: DecisionPosition | null
}

/** What looking decisions up rests on. */
export interface AdminDecisionsDeps {
  /** Undefined: the process keeps none. */
  readonly pages: DecisionPages | undefined
  /** Undefined: the decision log is no file. */
  readonly history: DecisionHistory | undefined
  readonly policyByVersion: (version: string) => Policy | undefined
  readonly digest: Digest
  /** Tells this process's positions from those of any other. */
  readonly process: string
}

/** Decisions in memory that one page looks at. */
const lookAt = 20_000
/** What a page of them holds, in bytes: it is written out in one turn. */
const maxPageBytes = 4 * 1024 * 1024

/** Builds the look-up of decisions. */
export function createAdminDecisions(deps: AdminDecisionsDeps): AdminDecisions {
  return {
    offers: (source) => (source === 'memory' ? deps.pages : deps.history) !== undefined,
    async page(query, signal) {
      const { after, source } = query
      if (after !== null && after.source !== source) throw strangePosition()
      return source === 'memory' ? pageOfMemory(query) : pageOfLog(query, signal)
    },
    async byId(id, source, signal) {
      const found =
        source === 'memory' ? await fromMemory(id) : await present(deps.history).find(id, signal)
      if (found === undefined) return undefined
      const { record } = found
      const policy = deps.policyByVersion(record.policy) ?? compiled(found)
      return { record, explanation: policy === undefined ? null : explainRecord(record, policy) }
    },
  }

  async function pageOfMemory({ after, filter, limit }: DecisionQuery): Promise<DecisionPage> {
    const position = after?.source === 'memory' ? after : null
    if (position !== null && position.process !== deps.process) throw strangePosition()
    const place = position?.place ?? null
    const page = await present(deps.pages).page({
      ...{ after: place, limit, lookAt, filter },
      maxBytes: maxPageBytes,
    })
    if (page === undefined) throw strangePosition()
    const { next, records } = page
    return {
      records,
      next: next === null ? null : { source: 'memory', process: deps.process, place: next },
    }
  }

  async function pageOfLog(
    { after, filter, limit }: DecisionQuery,
    signal: AbortSignal,
  ): Promise<DecisionPage> {
    const { since, until } = filter
    const { next, records } = await present(deps.history).page(
      {
        limit,
        before: after?.source === 'log' ? after : null,
        matches: matchesFilter(filter),
        ...(since !== undefined && { since }),
        ...(until !== undefined && { until }),
      },
      signal,
    )
    return { records, next: next === null ? null : { source: 'log', ...next } }
  }

  async function fromMemory(id: string): Promise<FoundDecision | undefined> {
    const record = await present(deps.pages).find(id)
    return record && { record, definition: undefined }
  }

  /** A policy as a log holds it counts where it is the one that it says. */
  function compiled({ definition, record }: FoundDecision): Policy | undefined {
    if (definition === undefined) return undefined
    const policies = createReplayPolicies(deps.digest)
    policies.add(record.policy, definition)
    return policies.get(record.policy)
  }
}

function present<T>(source: T | undefined): T {
  if (source !== undefined) return source
  throw new AppError('INPUT_INVALID', 'there is no such source of decisions')
}

function strangePosition(): AppError {
  return new AppError('INPUT_INVALID', 'the cursor is of another process or source')
}
