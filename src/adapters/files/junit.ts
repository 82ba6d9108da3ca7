import type { CaseResult } from '../../application/policy-cases.ts'

/** One suite of results. */
export interface CaseSuite {
  readonly name: string
  readonly cases: readonly CaseResult[]
}

/** Results as the JUnit XML that CI servers read (Jenkins' and GitLab's common subset). */
export function junitXml(suites: readonly CaseSuite[]): string {
  const all = suites.flatMap((suite) => suite.cases)
  const lines = ['<?xml version="1.0" encoding="UTF-8"?>', `<testsuites ${counts(all)}>`]
  for (const { name, cases } of suites) {
    lines.push(`  <testsuite name="${escape(name)}" ${counts(cases)}>`)
    for (const result of cases) lines.push(testcase(name, result))
    lines.push('  </testsuite>')
  }
  lines.push('</testsuites>', '')
  return lines.join('\n')
}

function testcase(suite: string, { name, passed, expected, actual }: CaseResult): string {
  const head = `    <testcase classname="${escape(suite)}" name="${escape(name)}" time="0"`
  if (passed) return `${head}/>`
  const message = escape(`expected ${expected}, was ${actual}`)
  return `${head}><failure message="${message}">${message}</failure></testcase>`
}

function counts(cases: readonly CaseResult[]): string {
  const failures = cases.filter(({ passed }) => !passed).length
  return `tests="${cases.length}" failures="${failures}" errors="0" skipped="0" time="0"`
}

/** XML 1.0 section 2.2 has no place for control characters, not even escaped. */
function escape(text: string): string {
  return text
    .replaceAll(/[^\t\n\r\x20-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '\uFFFD')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
