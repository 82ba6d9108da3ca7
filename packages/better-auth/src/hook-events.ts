/** A change, as it is published. */
export interface ChangeEvent {
  readonly subject: string
  readonly body: Readonly<Record<string, unknown>>
}

/** What a hook knows of a request that is done. */
export interface DoneRequest {
  /** Undefined for what has no HTTP endpoint, as `addMember`. */
  readonly path: string | undefined
  readonly operationId: string | undefined
  readonly body: unknown
  readonly returned: unknown
  readonly activeOrganization: () => Promise<unknown>
}

const memberSubjects: Readonly<Record<string, string>> = {
  addOrganizationMember: 'member.added',
  '/organization/create': 'member.added',
  '/organization/accept-invitation': 'member.added',
  '/organization/update-member-role': 'member.role.changed',
  '/organization/remove-member': 'member.removed',
  '/organization/leave': 'member.removed',
}
const rolePaths = ['create', 'update', 'delete'].map((verb) => `/organization/${verb}-role`)
const userSubjects: Readonly<Record<string, string>> = {
  '/admin/ban-user': 'user.banned',
  '/admin/unban-user': 'user.unbanned',
  '/admin/set-role': 'user.role.changed',
}

/** The changes that a request to the organization plugin has made, as far as its answer tells. */
export async function eventsOfRequest(request: DoneRequest): Promise<readonly ChangeEvent[]> {
  const { body, path = '', operationId = '', returned } = request
  if (returned instanceof Error) return []
  const subject = memberSubjects[path] ?? memberSubjects[operationId]
  if (subject !== undefined) return membersIn(returned).map((member) => ({ subject, body: member }))
  const named = textAt(body, 'organizationId')
  if (path === '/organization/delete' && named !== undefined) {
    return [{ subject: 'organization.deleted', body: { organizationId: named } }]
  }
  if (rolePaths.includes(path)) {
    const organizationId = named ?? (await request.activeOrganization())
    if (typeof organizationId !== 'string') return []
    return [{ subject: 'organization.role.changed', body: { organizationId } }]
  }
  return []
}

/** A row of a user that was written; the hook does not tell what it was before. */
export function eventOfUser(user: { readonly id: string }, path: string | undefined): ChangeEvent {
  return { subject: userSubjects[path ?? ''] ?? 'user.updated', body: { userId: user.id } }
}

/** Endpoints answer with a member, an object with one, or an organization with several. */
function membersIn(returned: unknown): readonly ChangeEvent['body'][] {
  const found: ChangeEvent['body'][] = []
  const members = valueAt(returned, 'members')
  const listed: readonly unknown[] = Array.isArray(members) ? members : []
  const candidates = [returned, valueAt(returned, 'member'), ...listed]
  for (const candidate of candidates) {
    const userId = textAt(candidate, 'userId')
    const organizationId = textAt(candidate, 'organizationId')
    if (userId !== undefined && organizationId !== undefined) found.push({ userId, organizationId })
  }
  return found
}

function valueAt(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  return (value as Readonly<Record<string, unknown>>)[key]
}

function textAt(value: unknown, key: string): string | undefined {
  const text = valueAt(value, key)
  return typeof text === 'string' && text !== '' ? text : undefined
}
