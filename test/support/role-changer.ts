import { setTimeout as pause } from 'node:timers/promises'
import type { People, Person } from './people.ts'
import type { Commit, History } from './revocation-oracle.ts'

/** People whose right to read changes in one commit, and what is published of it. */
export interface Unit {
  readonly people: readonly Person[]
  readonly history: History
  readonly allowed: () => boolean
}

interface MutableUnit extends Unit {
  readonly history: Commit[]
  readonly set: (allowed: boolean) => Promise<void>
  readonly subject: string
  readonly event: object
}

/** Changes roles at random and keeps the books. */
export interface RoleChanger {
  readonly units: readonly Unit[]
  readonly changes: () => { readonly announced: number; readonly unannounced: number }
  /** Resolves when no commit is under way; none begins until it is released. */
  readonly hold: () => Promise<() => void>
  /** Ends the changes; resolves when every event that is to be published is out. */
  readonly stop: () => Promise<void>
}

/** What a changer works with. */
export interface RoleChangerOptions {
  readonly people: People
  /** Units of each kind: single pairs, users in three organizations, organizations of three. */
  readonly each: number
  readonly everyMs: number
  readonly random: () => number
  /** Resolves once the event is surely out. */
  readonly publish: (subject: string, event: object) => Promise<void>
}

/** Adds the people, all of whom may read, and begins; every other change is announced. */
export async function startRoleChanger(options: RoleChangerOptions): Promise<RoleChanger> {
  const { everyMs, people, publish, random } = options
  const units = [
    ...(await singles(people, options.each)),
    ...(await usersOfThree(people, options.each)),
    ...(await organizationsOfThree(people, options.each)),
  ]
  const publishing = new Set<Promise<void>>()
  const count = { announced: 0, unannounced: 0 }
  let held = Promise.resolve()
  let running = true
  let committing: Promise<void> = Promise.resolve()

  async function change(unit: MutableUnit): Promise<void> {
    const allowed = !unit.allowed()
    const sentMs = performance.now()
    await unit.set(allowed)
    const commit: Commit = { allowed, sentMs, ackMs: performance.now() }
    unit.history.push(commit)
    if (random() < 0.5) {
      count.unannounced += 1
      return
    }
    count.announced += 1
    const out = publish(unit.subject, unit.event).then(() => {
      commit.announcedMs = performance.now()
    })
    publishing.add(out)
    void out.finally(() => publishing.delete(out))
  }

  async function run(): Promise<void> {
    while (running) {
      await held
      const unit = units[Math.floor(random() * units.length)]
      if (unit !== undefined) committing = change(unit)
      await committing
      await pause(everyMs)
    }
  }
  const done = run()
  return {
    units,
    changes: () => count,
    async hold() {
      const { promise, resolve } = Promise.withResolvers<undefined>()
      held = promise.then(() => undefined)
      await committing
      return () => resolve(undefined)
    },
    async stop() {
      running = false
      await done
      await Promise.all(publishing)
    },
  }
}

function unitOf(parts: Pick<MutableUnit, 'people' | 'set' | 'subject' | 'event'>): MutableUnit {
  const history: Commit[] = [{ allowed: true, sentMs: -Infinity, ackMs: -Infinity }]
  return { ...parts, history, allowed: () => history.at(-1)?.allowed ?? false }
}

async function singles(people: People, count: number): Promise<readonly MutableUnit[]> {
  return (await people.add(count)).map((person) =>
    unitOf({
      people: [person],
      set: (allowed) => people.setRole(person, allowed ? 'staff' : 'viewer'),
      subject: 'member.role.changed',
      event: { userId: person.user, organizationId: person.organization },
    }),
  )
}

async function usersOfThree(people: People, count: number): Promise<readonly MutableUnit[]> {
  const first = await people.add(count)
  const elsewhere = await people.add(2 * count)
  const units = first.map(async (person, index) => {
    const more = [elsewhere[2 * index], elsewhere[2 * index + 1]]
      .filter((other) => other !== undefined)
      .map(({ organization }) => ({ user: person.user, organization }))
    for (const one of more) await people.join(one, 'staff')
    return unitOf({
      people: [person, ...more],
      set: (allowed) => people.setBanned(person.user, !allowed),
      subject: 'user.banned',
      event: { userId: person.user },
    })
  })
  return Promise.all(units)
}

async function organizationsOfThree(
  people: People,
  count: number,
): Promise<readonly MutableUnit[]> {
  const first = await people.add(count)
  const units = first.map(async (person) => {
    const { organization } = person
    return unitOf({
      people: [person, ...(await people.add(2, { organization }))],
      set: (allowed) => people.setOrganizationRole(organization, allowed ? 'staff' : 'viewer'),
      subject: 'organization.role.changed',
      event: { organizationId: organization },
    })
  })
  return Promise.all(units)
}
