import { sameTexts, type Fact } from './fact.ts'

/** What a fact says, whenever and of whomever it was read. */
export type Said = Pick<Fact, 'user' | 'banned' | 'rows' | 'dynamic' | 'platformRoles'>

/** Shared: a map of its own would be the largest part of a fact in memory. */
const noDynamic: Fact['dynamic'] = new Map()
const noneRecorded: Readonly<Record<string, readonly string[]>> = {}

/**
 * What memory holds that facts say. Nearly all subjects share one of a few: a million of them then look at the
 * same few places in memory, and what is worked out of it is worked out once.
 */
export class Standing implements Said {
  readonly user: boolean
  readonly banned: boolean
  readonly rows: readonly (readonly string[])[]
  readonly dynamic: ReadonlyMap<string, readonly string[]>
  readonly platformRoles: readonly string[]
  #recordedDynamic: Readonly<Record<string, readonly string[]>> | undefined
  /** The text of a record up to the value of `age_ms`, its last field. */
  #recordText: string | undefined

  constructor(said: Said) {
    this.user = said.user
    this.banned = said.banned
    this.rows = said.rows
    this.dynamic = said.dynamic.size === 0 ? noDynamic : said.dynamic
    this.platformRoles = said.platformRoles
  }

  /**
   * Whether a fact says the same in the same order, as records and headers repeat it. Dynamic roles may be
   * any, and are not looked into.
   */
  isOf(said: Said): boolean {
    return (
      this.user === said.user &&
      this.banned === said.banned &&
      this.dynamic.size === 0 &&
      said.dynamic.size === 0 &&
      sameTexts(this.platformRoles, said.platformRoles) &&
      this.rows.length === said.rows.length &&
      this.rows.every((row, index) => sameTexts(row, said.rows[index] ?? []))
    )
  }

  /** `dynamic` as records hold it. */
  get recordedDynamic(): Readonly<Record<string, readonly string[]>> {
    return (this.#recordedDynamic ??=
      this.dynamic.size === 0 ? noneRecorded : Object.fromEntries(this.dynamic))
  }

  /** The text of a record that rests on this, up to the value of `age_ms`, its last field. */
  recordTextUpToAge(record: object): string {
    this.#recordText ??= JSON.stringify(Object.assign({}, record, { age_ms: 0 })).slice(
      0,
      -'0}'.length,
    )
    return this.#recordText
  }
}

/** Standings that are shared, and the longest texts of them; beyond it all are forgotten. */
const maxShared = 4_096
const maxLength = 128
const shared = new Map<string, Standing>()

/** What a fact says, shared with all who say the same. */
export function standingOf(said: Said): Standing {
  // Who owns an organization chooses its roles: neither long ones nor many may stay.
  if (said.dynamic.size > 0) return new Standing(said)
  const text = textOf(said)
  if (text.length > maxLength) return new Standing(said)
  const known = shared.get(text)
  // A role may hold anything: only what was compared is the same.
  if (known?.isOf(said) === true) return known
  const standing = new Standing({
    ...{ user: said.user, banned: said.banned, dynamic: said.dynamic },
    rows: frozen(said.rows.map(frozen)),
    platformRoles: frozen(said.platformRoles),
  })
  if (shared.size >= maxShared) shared.clear()
  shared.set(text, standing)
  return standing
}

/** Nobody may change for one subject what is said of another. */
function frozen<T>(list: readonly T[]): readonly T[] {
  return Object.isFrozen(list) ? list : Object.freeze([...list])
}

function textOf({ banned, platformRoles, rows, user }: Said): string {
  const [first, ...others] = rows
  const roles = others.length === 0 ? (first?.join() ?? '') : JSON.stringify(rows)
  return `${user ? 'user' : 'none'} ${banned ? 'banned' : ''} ${platformRoles.join()} ${rows.length} ${roles}`
}
