import { existsSync, globSync } from 'node:fs'
import { resolve } from 'node:path'
import { AppError } from '../../domain/errors.ts'

/**
 * The files that words name: a file as it is, else all that a glob matches, by name; each once.
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
    for (const file of found) if (!files.has(resolve(file))) files.set(resolve(file), file)
  }
  return [...files.values()]
}
