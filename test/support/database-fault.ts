import { expect } from 'vitest'
import { findingOf, isDocumented, runStatements } from './doctor.ts'
import { documentedDatabase } from './documented-database.ts'

/** What is broken, what is then found, and whether its `mend` is SQL that puts it right. */
export interface Fault {
  readonly title: string
  readonly sql: string
  readonly name: string
  readonly status: 'warn' | 'error'
  readonly message: RegExp
  /** False: the mend is not SQL alone. */
  readonly mendsBySql?: boolean
}

/** Breaks a database, looks for what is told of it, and mends it as told. */
export async function expectTold(fault: Fault): Promise<void> {
  const { sql, name, status, message, mendsBySql } = fault
  const { examine, ownerUrl, role } = await documentedDatabase()
  const broken = sql
    .replaceAll('ROLE ROLE', `ROLE ${role}`)
    .replaceAll(/\b(FROM|TO) ROLE\b/g, `$1 ${role}`)
  await runStatements(ownerUrl, broken)
  const findings = await examine()
  const finding = findingOf(findings, name)
  expect([finding.status, finding.message]).toEqual([status, expect.stringMatching(message)])
  expect(finding.why).toBeTruthy()
  expect(finding.mend).toBeTruthy()
  expect(findings.map((one) => one.name).filter((one) => !isDocumented(one))).toEqual([])
  if (mendsBySql === false) return
  await runStatements(ownerUrl, finding.mend ?? '')
  expect(findingOf(await examine(), name)).toMatchObject({ status: 'ok' })
}
