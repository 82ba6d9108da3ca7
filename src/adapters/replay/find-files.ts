import { existsSync, globSync, statSync } from 'node:fs'
import { AppError } from '../../domain/errors.ts'
import { identityOf } from './log-part.ts'

/**
 * The files that words name: a file as it is, else all that a glob matches, by name; each once, also
 * one that has a link beside it.
 * Throws `CONFIG_INVALID` where a word names none.
 */
export function findFiles(words: readonly string[]): readonly string[] {
  const files = new Map<string, string>()
  for (const word of words) {
    const found = existsSync(word) ? [word] : globSync(word).sort()
    if (found.length === 0) {
      const isGlob = /[*?[{]/.test(word)
      throw new AppError(
        'CONFIG_INVALID',
        isGlob ? `no file matches ${word}` : `there is no file ${word}`,
      )
    }
    for (const file of found) {
      const stat = statSync(file, { throwIfNoEntry: false })
      const identity = stat === undefined ? file : identityOf(stat) // gone: opening it tells
      if (!files.has(identity)) files.set(identity, file)
    }
  }
  return [...files.values()]
}
