import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

/** A line of a decision log, read as JSON. */
export type LogLine = Readonly<Record<string, unknown>>

/** The lines of a log's text, and those that are no JSON; what is empty counts as neither. */
export function readLog(text: string): { readonly lines: LogLine[]; readonly broken: string[] } {
  const lines: LogLine[] = []
  const broken: string[] = []
  for (const line of text.split('\n')) {
    if (line === '') continue
    try {
      lines.push(JSON.parse(line) as LogLine)
    } catch {
      broken.push(line)
    }
  }
  return { lines, broken }
}

/** The same of a file. */
export const readLogFile = (file: string): ReturnType<typeof readLog> =>
  readLog(existsSync(file) ? readFileSync(file, 'utf8') : '')

/** A log and all files that were rotated away from it. */
export const filesOf = (file: string): readonly string[] =>
  readdirSync(dirname(file))
    .filter((name) => name === basename(file) || name.startsWith(`${basename(file)}.`))
    .map((name) => join(dirname(file), name))

/** What names the requests of the decisions, in order. */
export const requestIds = (lines: readonly LogLine[]): unknown[] =>
  lines.filter(({ type }) => type === 'decision').map((line) => line['request_id'])
