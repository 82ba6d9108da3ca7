import type { Answer, Answers, AskWorker, Question, Schedule } from './worker-talk.ts'

/** The questions that one process has open. */
export interface WorkerAsking {
  readonly ask: AskWorker
  readonly answered: (id: number, answer: Answer) => void
  /** Nobody will answer any more. */
  readonly close: () => void
}

/** What asking rests on. */
export interface WorkerAskingDeps {
  readonly send: (id: number, question: Question) => void
  readonly schedule: Schedule
}

/** Questions that a process which does not answer is sent at most. */
const mostOpen = 64

interface Open {
  readonly kind: Question['kind']
  readonly settle: (value: unknown) => void
}

/**
 * Asks one process. A question that was given up stays open until it is answered: what stands still
 * is not sent ever more.
 */
export function createWorkerAsking({ schedule, send }: WorkerAskingDeps): WorkerAsking {
  const open = new Map<number, Open>()
  let lastId = 0
  let closed = false
  return {
    ask<K extends keyof Answers>(
      question: Extract<Question, { readonly kind: K }>,
      timeoutMs: number,
    ): Promise<Answers[K] | undefined> {
      if (closed || open.size >= mostOpen) return Promise.resolve(undefined)
      const { promise, resolve } = Promise.withResolvers<Answers[K] | undefined>()
      const late = schedule(() => resolve(undefined), timeoutMs)
      const id = (lastId += 1)
      open.set(id, {
        kind: question.kind,
        settle(value) {
          late.cancel()
          resolve(value as Answers[K] | undefined) // it is of the kind that was asked for
        },
      })
      send(id, question)
      return promise
    },
    answered(id, { kind, value }) {
      const question = open.get(id)
      if (question?.kind !== kind) return
      open.delete(id)
      question.settle(value)
    },
    close() {
      closed = true
      for (const { settle } of open.values()) settle(undefined)
      open.clear()
    },
  }
}
