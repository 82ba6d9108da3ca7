import { reachOf, readChange, spellingsOf, subjectLabel } from '../domain/change-event.ts'
import type { ChangeFeedListener } from '../ports/change-feed.ts'
import type { Knowledge } from './knowledge.ts'

/** What the consumer rests on. */
export interface MemberRoleChangeConsumerDeps {
  readonly knowledge: Pick<Knowledge, 'changed'>
  /** Told of each event; `subject` is a known one, or `other`. */
  readonly onEvent: (
    subject: string,
    outcome: 'applied' | 'malformed',
    storedAtMs: number | undefined,
  ) => void
  /** Told why an event cannot be read. */
  readonly onMalformed: (subject: string, why: string) => void
}

/**
 * Handles the events of members, users and organizations: whatever is named is read anew. It acts
 * in the turn in which the event arrives, so nothing granted after that rests on what was known
 * before (contract section 6, Events).
 */
export function createMemberRoleChangeConsumer(
  deps: MemberRoleChangeConsumerDeps,
): Pick<ChangeFeedListener, 'message'> {
  return {
    message(subject, data, storedAtMs) {
      const label = subjectLabel(subject)
      const change = readChange(data)
      if ('why' in change) {
        deps.onEvent(label, 'malformed', storedAtMs)
        deps.onMalformed(subject, change.why)
        return
      }
      for (const one of spellingsOf(reachOf(subject, change))) deps.knowledge.changed(one)
      deps.onEvent(label, 'applied', storedAtMs)
    },
  }
}
