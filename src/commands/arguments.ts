import { parseArgs, type ParseArgsOptionsConfig } from 'node:util'
import { UsageError } from './exit.ts'

/** The words and options of a command line; every option that takes a value is a list. */
export interface Arguments<Format extends string = 'text' | 'json'> {
  readonly words: readonly string[]
  /** The last value given of an option. */
  readonly one: (name: string) => string | undefined
  readonly all: (name: string) => readonly string[]
  readonly flag: (name: string) => boolean
  readonly format: Format
}

/** Parses what stands after the command's name; throws `UsageError` with the command's usage. */
export function parseArguments<Format extends string = 'text' | 'json'>(
  args: readonly string[],
  usage: string,
  options: {
    readonly values?: readonly string[]
    readonly flags?: readonly string[]
    /** What `--format` can be, the default first. */
    readonly formats?: readonly Format[]
  } = {},
): Arguments<Format> {
  const config: ParseArgsOptionsConfig = { help: { type: 'boolean', short: 'h' } }
  for (const name of [...(options.values ?? []), 'format']) {
    config[name] = { type: 'string', multiple: true }
  }
  for (const name of options.flags ?? []) config[name] = { type: 'boolean' }
  let parsed
  try {
    parsed = parseArgs({ args: [...args], options: config, allowPositionals: true })
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\n\nusage: ${usage}`)
  }
  const { values, positionals } = parsed
  if (values['help'] === true) throw new HelpRequest(usage)
  const all = (name: string): readonly string[] => (values[name] ?? []) as string[]
  const formats: readonly string[] = options.formats ?? ['text', 'json']
  const format = all('format').at(-1) ?? formats[0]
  if (format === undefined || !formats.includes(format)) {
    const known = `${formats.slice(0, -1).join(', ')} or ${formats.at(-1) ?? ''}`
    throw new UsageError(`--format is ${known}, not "${format ?? ''}"\n\nusage: ${usage}`)
  }
  return {
    words: positionals,
    one: (name) => all(name).at(-1),
    all,
    flag: (name) => values[name] === true,
    format: format as Format,
  }
}

/** `--help` was asked for; not an error, but it ends the command as one would. */
export class HelpRequest extends Error {}
