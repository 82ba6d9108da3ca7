import type { Fact, Pair } from '../../../src/domain/fact.ts'

/** What PostgreSQL holds, with its history: who was what, and since which change. */
export interface Truth {
  readonly commit: (change: TruthChange, atMs: number) => Commit
  /** The fact as a statement reads it that sees what was committed by then. */
  readonly read: (pair: Pair, seenUntilMs: number, verifiedAtMs: number) => Fact
  readonly commits: readonly Commit[]
}

/** A change of one pair's role, of a user's ban and platform role, or of an organization's roles. */
export type TruthChange =
  | {
      readonly of: 'pair'
      readonly user: string
      readonly organization: string
      readonly role: Role
    }
  | { readonly of: 'user'; readonly user: string; readonly standing: Standing }
  | { readonly of: 'organization'; readonly organization: string; readonly viewersApprove: boolean }

export type Role = 'none' | 'viewer' | 'staff'
export type Standing = 'user' | 'banned' | 'support'

/** A change and its place among all. */
export interface Commit {
  readonly seq: number
  readonly atMs: number
  readonly change: TruthChange
}

/** The last change of each kind that a fact has seen; 0: none. */
export interface Version {
  readonly pair: number
  readonly user: number
  readonly organization: number
}

/** Whether a commit is of a pair. */
export function concerns({ change }: Commit, { user, organization }: Pair): boolean {
  if (change.of === 'user') return change.user === user
  if (organization === null || change.organization !== organization) return false
  return change.of === 'organization' || change.user === user
}

/** Whether a fact of this version has not seen a commit that concerns its pair. */
export function misses(version: Version, { seq, change }: Commit): boolean {
  return version[change.of] < seq
}

/** The dynamic role that bears a fact's version; nobody holds it. */
const versionRole = 'version'

/** The version that a fact bears. */
export function versionOf({ dynamic }: Fact): Version {
  const [pair, user, organization] = (dynamic.get(versionRole) ?? []).map(Number)
  if (pair === undefined || user === undefined || organization === undefined) {
    throw new Error('a fact without a version')
  }
  return { pair, user, organization }
}

/** Makes tables in which everybody is a user and nobody is a member. */
export function createTruth(): Truth {
  const commits: Commit[] = []

  /** The last commit of a kind, as it was then. */
  function last<K extends TruthChange['of']>(of: K, pair: Pair, untilMs: number) {
    const commit = commits.findLast(
      (one) => one.change.of === of && one.atMs <= untilMs && concerns(one, pair),
    )
    return {
      seq: commit?.seq ?? 0,
      change: commit?.change as Extract<TruthChange, { of: K }> | undefined,
    }
  }

  return {
    commits,
    commit(change, atMs) {
      const commit = { seq: commits.length + 1, atMs, change }
      commits.push(commit)
      return commit
    },
    read(pair, seenUntilMs, verifiedAtMs) {
      const member = last('pair', pair, seenUntilMs)
      const user = last('user', pair, seenUntilMs)
      const organization = last('organization', pair, seenUntilMs)
      const role = member.change?.role ?? 'none'
      const standing = user.change?.standing ?? 'user'
      // The version makes every change one that can be seen, also where the role comes back.
      const version = [member.seq, user.seq, organization.seq].map(String)
      const dynamic = new Map<string, readonly string[]>([[versionRole, version]])
      if (role === 'viewer' && organization.change?.viewersApprove === true) {
        dynamic.set('viewer', ['leave:approve'])
      }
      return {
        user: true,
        banned: standing === 'banned',
        rows: role === 'none' ? [] : [[role, `r${member.seq}`]],
        dynamic,
        platformRoles: [standing === 'support' ? 'support' : 'user', `v${user.seq}`],
        source: 'postgres',
        verifiedAtMs,
      }
    },
  }
}
