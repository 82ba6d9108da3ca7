/** The column types that Better Auth's ids come in (`advanced.database.generateId`). */
export type IdType = 'text' | 'uuid' | 'integer'

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const integer = /^[1-9][0-9]{0,9}$/
const maxInteger = 2_147_483_647

/**
 * An id as a parameter of its column's type, or null where no row can have it. One id has one
 * spelling: an upper-case uuid would name the same row, but not the same tenant in a path.
 */
export function idParameter(id: string | null, type: IdType): string | null {
  if (id === null) return null
  if (type === 'uuid') return uuid.test(id) ? id : null
  if (type === 'integer') return integer.test(id) && Number(id) <= maxInteger ? id : null
  return id
}
