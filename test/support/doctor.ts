import { readFileSync } from 'node:fs'
import { createDoctor, type Part } from '../../src/application/doctor.ts'
import type { Finding } from '../../src/domain/finding.ts'
import { runSql } from './better-auth-tables.ts'

/** Examines parts with limits of time that real servers keep easily. */
export const examineParts = createDoctor({
  timeLimit: (ms) => AbortSignal.timeout(ms),
  redact: (text) => text,
  openMs: 8_000,
  checkMs: 6_000,
})

/** Examines one part. */
export const examinePart = (part: Part): Promise<readonly Finding[]> => examineParts([part])

/** The finding of a name; a test that looks for one which is not there fails. */
export function findingOf(findings: readonly Finding[], name: string): Finding {
  const found = findings.find((finding) => finding.name === name)
  if (found !== undefined) return found
  throw new Error(`no finding ${name} among ${findings.map((one) => one.name).join(', ')}`)
}

/** The findings that are not ok, as `warn postgres.role`. */
export function complaints(findings: readonly Finding[]): string[] {
  return findings.flatMap(({ name, status }) => (status === 'ok' ? [] : [`${status} ${name}`]))
}

/** Runs statements one by one, as psql does: indexes made concurrently stand in no transaction. */
export async function runStatements(url: string, sql: string): Promise<void> {
  const statements = sql.replaceAll(/(--|^\\).*$/gm, '').split(';')
  for (const statement of statements) if (statement.trim() !== '') await runSql(url, statement)
}

const page = readFileSync('docs/doctor.md', 'utf8')

/** The statements of docs/doctor.md that make a database without findings, for another role. */
export function documentedSql(role: string): string {
  const [, sql = ''] = /```sql\n(.*?)```/s.exec(page) ?? []
  return sql.replaceAll('tenantgate', role)
}

/** Whether docs/doctor.md names a check, by its name or by the end of one in a list of such. */
export function isDocumented(name: string): boolean {
  const last = name.slice(name.lastIndexOf('.'))
  const family = name.slice(0, name.lastIndexOf('.') + 1)
  return page
    .split('\n')
    .some(
      (line) =>
        line.includes(`\`${name}\``) ||
        (line.includes(`\`${family}`) &&
          (line.includes(`\`${last}\``) || line.includes(`\`${family}\``))),
    )
}
