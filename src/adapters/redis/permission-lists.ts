import { sealedList, type SealedList } from './sealed-bytes.ts'
import { isTextList, parseJson } from './sealed-fact.ts'

/** What stands before the seal of an entry, as its seal covers it. */
export interface PermissionLists {
  /** `text`: from `[` to the last comma. Undefined: it is no list of permissions. */
  readonly read: (text: string) => SealedList | undefined
}

/** Lists that are remembered, and the longest of them in characters; beyond it all are forgotten. */
const maxRemembered = 256
const maxLength = 8_192

/** A seal begins so, and no permission does. */
export const sealPrefix = '~tg1.'

/** Subjects of one role have the same list, so that it need not be read each time. */
export function createPermissionLists(): PermissionLists {
  const remembered = new Map<string, SealedList>()
  return {
    read(text) {
      const known = remembered.get(text)
      if (known !== undefined) return known
      const permissions = permissionsOf(text)
      if (permissions === undefined) return undefined
      const list = sealedList(permissions)
      if (text.length > maxLength) return list
      if (remembered.size >= maxRemembered) remembered.clear()
      remembered.set(text, list)
      return list
    },
  }
}

function permissionsOf(text: string): readonly string[] | undefined {
  if (text === '[') return []
  if (!text.endsWith(',')) return undefined
  const permissions = parseJson(`${text.slice(0, -1)}]`)
  if (!isTextList(permissions)) return undefined
  return permissions.some((one) => one.startsWith(sealPrefix)) ? undefined : permissions
}
