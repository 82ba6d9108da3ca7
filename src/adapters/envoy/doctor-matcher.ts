import { list, object, text } from './doctor-dump.ts'

/** Whether a name is matched by one of Envoy's `StringMatcher`s; undefined: that cannot be told. */
export function matchesAny(matchers: unknown, name: string): boolean | undefined {
  const verdicts = list(matchers).map((matcher) => matches(object(matcher), name))
  if (verdicts.includes(true)) return true
  return verdicts.includes(undefined) ? undefined : false
}

function matches(matcher: Readonly<Record<string, unknown>>, name: string): boolean | undefined {
  const fold = (one: string): string => (matcher['ignore_case'] === true ? one.toLowerCase() : one)
  const { exact, prefix, suffix, contains } = matcher
  if (text(exact) !== undefined) return fold(name) === fold(text(exact) ?? '')
  if (text(prefix) !== undefined) return fold(name).startsWith(fold(text(prefix) ?? ''))
  if (text(suffix) !== undefined) return fold(name).endsWith(fold(text(suffix) ?? ''))
  if (text(contains) !== undefined) return fold(name).includes(fold(text(contains) ?? ''))
  return matchesRegex(text(object(matcher['safe_regex'])['regex']), name)
}

/** Whether an RE2 expression matches all of a text; undefined where JavaScript cannot read it. */
export function matchesRegex(regex: string | undefined, whole: string): boolean | undefined {
  if (regex === undefined) return undefined
  try {
    return new RegExp(`^(?:${regex})$`).test(whole)
  } catch {
    return undefined
  }
}
