import { matchesFilter } from './application/decision-filter.ts'
import type { LoadPolicy } from './application/load-policy.ts'
import type { Answer, Question, WorkerDecisions } from './application/worker-talk.ts'
import type { FrontComposition } from './worker-role.ts'

/** Parts of a worker's service that its supervisor asks. */
export type WorkerParts = Pick<
  FrontComposition,
  'kept' | 'log' | 'metrics' | 'onFault' | 'readiness'
>

/** Answers a question; never rejects. */
export type WorkerAnswer = (question: Question) => Promise<Answer>

/** What answering rests on. */
export interface WorkerAnswersDeps {
  readonly parts: WorkerParts
  /** Remembers what it loaded last. */
  readonly loadPolicy: LoadPolicy
  readonly changePolicy: (text: string) => void
  readonly drain: () => void
}

/** Answers a supervisor's questions; a fault is told, and is no answer. */
export function createWorkerAnswers(deps: WorkerAnswersDeps): WorkerAnswer {
  const { parts } = deps
  const { kept, metrics, readiness } = parts
  const onFault = parts.onFault('worker')
  let prepared: Extract<Question, { readonly kind: 'prepare' }> | undefined
  const versionInForce = (): string => kept.policies.current()?.policy.version ?? ''

  return async (question) => {
    try {
      return await answerTo(question)
    } catch (cause) {
      onFault(cause)
      return { kind: question.kind, value: undefined }
    }
  }

  async function answerTo(question: Question): Promise<Answer> {
    const { kind } = question
    switch (kind) {
      case 'state':
        return { kind, value: { report: await readiness.report(), policy: versionInForce() } }
      case 'metrics':
        return { kind, value: (await metrics.expose()).text }
      case 'prepare':
        return { kind, value: prepare(question) }
      case 'commit':
        return { kind, value: commit(question.version) }
      case 'drain':
        deps.drain()
        return { kind, value: true }
      case 'decision':
        return { kind, value: kept.store?.find(question.id) ?? null }
      case 'decisions':
        return { kind, value: decisionsFor(question) }
    }
  }

  function prepare(question: NonNullable<typeof prepared>): boolean {
    const loading = deps.loadPolicy(question.text)
    if ('faults' in loading || loading.policy.version !== question.version) return false
    prepared = question
    return true
  }

  function commit(version: string): boolean {
    if (prepared?.version === version) deps.changePolicy(prepared.text)
    prepared = undefined
    return versionInForce() === version
  }

  function decisionsFor({
    before,
    filter,
    limit,
    lookAt,
    maxBytes,
  }: Extract<Question, { readonly kind: 'decisions' }>): WorkerDecisions {
    const matches = matchesFilter(filter)
    return (
      kept.store?.page({ before, limit, lookAt, matches, maxBytes }) ?? {
        records: [],
        numbers: [],
        next: null,
      }
    )
  }
}
