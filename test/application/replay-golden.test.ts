import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { sha256 } from '../../src/adapters/files/policy-document.ts'
import { createLineReplay } from '../../src/application/replay-lines.ts'
import { createReplayPolicies } from '../../src/application/replay-policies.ts'
import { reportOf, type ReplayReport } from '../../src/application/replay-report.ts'

/** Logs as releases wrote them: they are never written anew, a later release replays them as they are. */
const golden = 'test/golden'

function replayed(file: string): ReplayReport {
  const policies = createReplayPolicies(sha256)
  const replay = createLineReplay({ policies, candidate: undefined, filter: {} })
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
  for (const [at, line] of lines.entries()) {
    expect(replay.line(JSON.parse(line), { source: 0, at })).toBeUndefined()
  }
  return reportOf(replay.tally)
}

describe.each(readdirSync(golden))('a log of %s', (release) => {
  it.each(readdirSync(join(golden, release)))('%s replays without a difference', (file) => {
    const report = replayed(join(golden, release, file))
    expect(report).toMatchObject({ different: 0, undetermined: 0, skipped: 0, samples: [] })
    expect(report.decisions).toBeGreaterThan(50)
    expect(report.kept).toBeLessThan(report.decisions / 5)
  })
})

it('logs of 0.1 hold every reason, source of facts and form', () => {
  const text = readdirSync(join(golden, 'replay-0.1'))
    .map((file) => readFileSync(join(golden, 'replay-0.1', file), 'utf8'))
    .join('')
  for (const part of [
    ...['"granted"', '"ambiguous_path"', '"no_route"', '"tenant_mismatch"', '"banned"'],
    ...['"unknown_user"', '"not_a_member"', '"permission_denied"', '"expired_token"'],
    ...['"source":"claims"', '"source":"memory"', '"source":"redis"', '"source":"postgres"'],
    ...['"tenant_headers":{', '"share":0.25', '"mode":"shadow"', '"custom":{"tenantgate":{'],
    ...['"extensions":{"permission"', '"dynamic":{"', '%C3%B6'],
  ]) {
    expect(text, part).toContain(part)
  }
})
