import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { format, resolveConfig } from 'prettier'

/** A file of the documentation. */
export const documentation = (name: string): string =>
  resolve(import.meta.dirname, '../../docs', name)

/** A text as the formatter would have it in that file. */
export async function formatted(file: string, text: string): Promise<string> {
  const config = await resolveConfig(file)
  return format(text, { ...config, filepath: file })
}

/** Writes a file as the formatter would have it. */
export async function writeFormatted(file: string, text: string): Promise<void> {
  writeFileSync(file, await formatted(file, text))
}

/** What an earlier run kept; undefined: none did. The caller says what it is. */
export const readKept = (file: string): unknown =>
  existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined
