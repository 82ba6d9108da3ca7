import { onTestFinished } from 'vitest'
import {
  createNatsDecisionLog,
  type NatsDecisionLogOptions,
} from '../../../src/adapters/nats/decision-log.ts'
import type { DecisionRecord } from '../../../src/domain/record.ts'
import type { ChangePublisher } from '../../support/change-publisher.ts'
import { uniqueName } from '../../support/servers.ts'

/** A record of nothing but its id and a path. */
export const record = (id: string, padding = ''): DecisionRecord =>
  ({ type: 'decision', decision_id: id, path: padding }) as unknown as DecisionRecord
export const ids = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}-${index}`)

/** A log that writes down what it tells; closed when the test ends. */
export function logTo(url: string, options: Partial<NatsDecisionLogOptions> & { subject: string }) {
  const told = { dropped: 0, faults: [] as string[], losses: [] as unknown[] }
  let count = 0
  const log = createNatsDecisionLog({
    ...{ url, required: false, now: () => 'now', newId: () => uniqueName(`n${(count += 1)}`) },
    random: () => 0.5,
    format: { decision: JSON.stringify, policy: JSON.stringify }, // these are no whole records
    onDropped: () => (told.dropped += 1),
    onLoss: (loss) => told.losses.push(loss),
    onFault: (cause) => told.faults.push((cause as Error).message),
    ...options,
  })
  log.policy('sha256:1', { version: 1 } as never)
  onTestFinished(log.close)
  const write = (written: readonly string[]): boolean[] =>
    written.map((id) => log.decision(record(id)))
  return { log, told, write }
}

/** What a stream holds, in its order. */
export async function contents({ streams }: ChangePublisher, stream: string) {
  const { state } = await streams.streams.info(stream)
  const held = await streams.streams.get(stream)
  const lines: Record<string, unknown>[] = []
  for (let seq = state.first_seq; seq <= state.last_seq && state.messages > 0; seq += 1) {
    const message = await held.getMessage({ seq })
    if (message !== null) lines.push(message.json<Record<string, unknown>>())
  }
  const decisions = lines.filter(({ type }) => type === 'decision')
  return {
    first: lines[0],
    ids: decisions.map((line) => line['decision_id']),
    policies: lines.filter(({ type }) => type === 'policy').map((line) => line['policy']),
  }
}
