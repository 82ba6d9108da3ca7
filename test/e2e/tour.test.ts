import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { writeCurlLines } from '../../src/demo/curl-lines.ts'
import { scenes } from '../../src/demo/scenes.ts'
import { startStack, type Stack } from '../../src/demo/stack.ts'
import { playTour } from '../../src/demo/tour.ts'
import type { TokenKind } from '../../src/demo/better-auth-tokens.ts'
import { until } from '../support/poll.ts'
import { servers } from '../support/servers.ts'

const run = promisify(execFile)

describe.each<TokenKind>(['EdDSA', 'HS256'])('the tour with %s tokens of Better Auth', (tokens) => {
  let stack: Stack
  let folder: string
  let log: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tenantgate-test-'))
    log = join(folder, 'decisions.jsonl')
    stack = await startStack({ ...servers(), tokens, env: { TENANTGATE_DECISION_LOG: log } })
  })
  afterAll(async () => {
    await stack.close()
    await rm(folder, { recursive: true })
  })

  it('comes out as told through a real Envoy', async () => {
    const played = await playTour(stack, () => undefined)
    const wrong = played.flatMap(({ scene, differences }) =>
      differences.map((difference) => `${scene.title}: ${difference}`),
    )
    expect(wrong).toEqual([])
    expect(played.length).toBeGreaterThan(15)
  })

  it('leaves a decision of each reason in the log, and nothing secret', async () => {
    const text = await until(
      async () => {
        const written = await readFile(log, 'utf8')
        return written.includes('"host":"envoy-routes.example.com"') && written
      },
      { what: 'the last decision of the tour' },
    )
    const lines = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string; reason?: string })
    expect(lines[0]?.type).toBe('policy')
    const reasons = new Set(lines.flatMap(({ reason }) => reason ?? []))
    const toured = scenes(stack.personas).map(({ reason }) => reason ?? 'granted')
    expect([...reasons]).toEqual(expect.arrayContaining(toured))
    for (const { token, session } of stack.personas.all) {
      expect(text).not.toContain(token.split('.')[2])
      expect(text).not.toContain(session)
    }
  })

  it('prints curl lines that work when they are pasted', async () => {
    const { lines, remove } = await writeCurlLines(stack.personas, stack.envoy.url)
    const shim = 'command -v curl >/dev/null || curl() { node test/support/curl.ts "$@"; }'
    try {
      for (const { command, gives } of lines) {
        const { stdout } = await run('bash', ['-c', `${shim}; ${command}`])
        const answer = JSON.parse(stdout) as { method?: string; type?: string; status?: number }
        const got =
          answer.method === undefined
            ? `${String(answer.status)} ${String(answer.type).replace('urn:tenantgate:', '')}`
            : '200'
        expect([command, got]).toEqual([command, gives])
      }
    } finally {
      await remove()
    }
  })

  it('puts the decision into the access log of Envoy', async () => {
    const entry = await until(
      () => stack.envoy.accessLog().find((line) => line['decision_reason'] === 'tenant_mismatch'),
      { what: 'the line of the denial' },
    )
    expect(entry).toMatchObject({ status: 403, details: 'ext_authz_denied' })
    expect(await readFile(log, 'utf8')).toContain(String(entry['decision_id']))
  })
})
