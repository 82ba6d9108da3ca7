/** Publishes one event; `event` holds userId and/or organizationId. */
export type Publish = (subject: string, event: Readonly<Record<string, unknown>>) => Promise<void>

interface Membership {
  readonly member: {
    readonly userId: string
    readonly organizationId: string
    readonly role: string
  }
}

const USER_EVENTS: Readonly<Record<string, string>> = {
  '/admin/ban-user': 'user.banned',
  '/admin/unban-user': 'user.unbanned',
  '/admin/set-role': 'user.role.changed',
}

/**
 * Better Auth hooks that publish changes, as a platform would have them. They run in the request,
 * after the commit: who calls Better Auth waits for `publish`, and a crash in between loses the event.
 * `/organization/leave` calls no hook at all.
 */
export function createChangeHooks(publish: Publish = () => Promise.resolve()) {
  const publishMember =
    (subject: string) =>
    ({ member: { userId, organizationId, role } }: Membership) =>
      publish(subject, { userId, organizationId, role })

  return {
    organization: {
      afterAddMember: publishMember('member.added'),
      afterUpdateMemberRole: publishMember('member.role.changed'),
      afterRemoveMember: publishMember('member.removed'),
    },
    userUpdated: async (
      user: { readonly id: string },
      context?: { readonly path?: string } | null,
    ) => {
      const subject = USER_EVENTS[context?.path ?? '']
      if (subject !== undefined) await publish(subject, { userId: user.id })
    },
  }
}
