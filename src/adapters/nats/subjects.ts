import { AppError } from '../../domain/errors.ts'

const families = ['member.>', 'user.>', 'organization.>']
const prefixPattern = /^(?:[^\s.*>\x00-\x1f\x7f]+\.)*[^\s.*>\x00-\x1f\x7f]+\.?$/

/**
 * The prefix as it stands before a subject: `app` and `app.` are both `app.`, nothing is nothing.
 * @throws AppError `CONFIG_INVALID` where it holds wildcards, white space or an empty token.
 */
export function subjectPrefix(prefix = ''): string {
  if (prefix === '') return ''
  if (!prefixPattern.test(prefix)) {
    throw new AppError(
      'CONFIG_INVALID',
      'the prefix of NATS subjects is no subject without wildcards',
    )
  }
  return prefix.endsWith('.') ? prefix : `${prefix}.`
}

/** What a feed subscribes to. */
export function feedSubjects(prefix: string): readonly string[] {
  return families.map((family) => prefix + family)
}

/** The pattern of all subjects that match both patterns; undefined where there is none. */
export function intersection(one: string, other: string): string | undefined {
  const left = one.split('.')
  const right = other.split('.')
  const tokens: string[] = []
  for (let index = 0; ; index += 1) {
    const a = left[index]
    const b = right[index]
    if (a === undefined || b === undefined) return a === b ? tokens.join('.') : undefined
    if (a === '>') return [...tokens, ...right.slice(index)].join('.')
    if (b === '>') return [...tokens, ...left.slice(index)].join('.')
    if (a !== b && a !== '*' && b !== '*') return undefined
    tokens.push(a === '*' ? b : a)
  }
}

/** The patterns of what is both in a stream with these subjects and wanted. */
export function commonSubjects(
  stream: readonly string[],
  wanted: readonly string[],
): readonly string[] {
  return wanted.flatMap((pattern) =>
    stream.flatMap((subject) => intersection(pattern, subject) ?? []),
  )
}
