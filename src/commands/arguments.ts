import { parseArgs, type ParseArgsOptionsConfig } from 'node:util'
import { UsageError } from './exit.ts'

/** The words and options of a command line; every option that takes a value is a list. */
export interface Arguments {
  readonly words: readonly string[]
  /** The last value given of an option. */
  readonly one: (name: string) => string | undefined
  readonly all: (name: string) => readonly string[]
  readonly flag: (name: string) => boolean
  readonly format: 'text' | 'json'
}

/** Parses what stands after the command's name; throws `UsageError` with the command's usage. */
export function parseArguments(
  args: readonly string[],
  usage: string,
  options: { readonly values?: readonly string[]; readonly flags?: readonly string[] } = {},
): Arguments {
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
  const format = all('format').at(-1) ?? 'text'
  if (format !== 'text' && format !== 'json') {
    throw new UsageError(`--format is text or json, not "${format}"\n\nusage: ${usage}`)
  }
  return {
    words: positionals,
    one: (name) => all(name).at(-1),
    all,
    flag: (name) => values[name] === true,
    format,
  }
}

/** `--help` was asked for; not an error, but it ends the command as one would. */
export class HelpRequest extends Error {}
