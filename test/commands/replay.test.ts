import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import { factOf, policyWith, tokenOf } from '../support/builders.ts'
import { changePublisher } from '../support/change-publisher.ts'
import { tenantgate, type CommandResult } from '../support/command-line.ts'
import { decisionLine, policyLine } from '../support/decision-lines.ts'
import { postgresTables } from '../support/postgres-tables.ts'
import { servers, uniqueName } from '../support/servers.ts'

const folder = mkdtempSync(join(tmpdir(), 'tenantgate-replay-command-'))
afterAll(() => rmSync(folder, { recursive: true }))
const file = (name: string, text: string | Buffer): string => {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}
const text = (...lines: readonly string[]): string => `${lines.join('\n')}\n`

const readRoute = '{ name: leave.read, match: "GET /o/{organizationId}", permission: leave:read }'
const approveRoute =
  '{ name: leave.approve, match: "POST /o/{organizationId}", permission: leave:approve }'
const policy = policyWith([readRoute, approveRoute])
const stricter = policyWith([readRoute.replace(': leave:read', ': leave:approve'), approveRoute])
const looser = policyWith([
  readRoute,
  approveRoute.replace('permission: leave:approve', 'anyPermission: [leave:read, leave:approve]'),
])
const shadow = policyWith([readRoute, approveRoute.replace(' }', ', mode: shadow }')])

const roles = ['staff', 'staff', 'viewer', 'approver']
const decisions = roles.flatMap((role, minute) => [
  decisionLine(policy, { role, minute, user: `u${minute}` }),
  decisionLine(policy, { role, minute, request: 'POST /o/org-a', organization: 'org-a' }),
])
const log = file('log.jsonl', text(policyLine(policy), ...decisions))
const policyFile = (name: string, { definition }: typeof policy): string =>
  file(name, JSON.stringify(definition))
const [same, strict, loose, lifted] = [
  policyFile('same.json', policy),
  policyFile('stricter.json', stricter),
  policyFile('looser.json', looser),
  policyFile('shadow.json', shadow),
]

const replay = (...args: readonly string[]): Promise<CommandResult> =>
  tenantgate(['replay', ...args])
const reported = async (...args: readonly string[]): Promise<Record<string, unknown>> => {
  const { stderr, stdout } = await replay(...args, '--format', 'json')
  expect(stdout, stderr).not.toBe('')
  return JSON.parse(stdout) as Record<string, unknown>
}

/** The same with bytes on standard input. */
function piped(bytes: string | Buffer, args: readonly string[]): Promise<CommandResult> {
  const { promise, resolve } = Promise.withResolvers<CommandResult>()
  const child = spawn(process.execPath, ['src/main.ts', 'replay', ...args], { env: {} })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (chunk) => (stdout += String(chunk)))
  child.stderr.on('data', (chunk) => (stderr += String(chunk)))
  child.on('close', (status) => resolve({ status, stdout, stderr }))
  child.stdin.end(bytes)
  return promise
}

describe('tenantgate replay', () => {
  it('finds no difference in a log that replays by itself', async () => {
    const { status, stderr, stdout } = await replay(log)
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).toContain('8 decisions replayed under the policies that made them')
    expect(stdout).toMatch(/^ {2}same +8$/m)
  })

  it('tells who loses and who gains access under a candidate, as JSON', async () => {
    expect(await reported(log, '--policy', strict)).toMatchObject({
      decisions: 8,
      same: 6,
      different: 2,
      kept: 0,
      undetermined: 0,
      skipped: 0,
      flips: { allow_to_deny: 1, deny_to_allow: 1 },
      routes: { 'leave.read': { allow_to_deny: 1, deny_to_allow: 1 } },
      organizations: { 'org-a': { allow_to_deny: 1, deny_to_allow: 1 } },
      roles: {
        approver: { allow_to_deny: 0, deny_to_allow: 1 },
        viewer: { allow_to_deny: 1, deny_to_allow: 0 },
      },
    })
  })

  it('and for people, aligned and without colours where nobody looks', async () => {
    const { stdout } = await replay(log, '--policy', strict)
    expect(stdout).toContain(`replayed against ${strict} (${stricter.version})`)
    expect(stdout).toContain(
      ['by route      allow → deny  deny → allow', '  leave.read             1             1'].join(
        '\n',
      ),
    )
    expect(stdout).toMatch(
      /GET \/o\/org-a by u2 in org-a\n +granted → permission_denied · leave\.read/,
    )
    expect(stdout).not.toContain('\u001b')
  })

  it('as JUnit, a case for each route', async () => {
    const { stdout } = await replay(log, '--policy', strict, '--format', 'junit')
    expect(stdout).toContain('tests="4" failures="1"')
    expect(stdout).toContain('name="leave.approve" time="0"/>')
    expect(stdout).toContain('allow to deny 1, deny to allow 1')
  })

  it('as JUnit, also of a route whose name every object has', async () => {
    const named = (permission: string) =>
      `{ name: constructor, match: "POST /o/{organizationId}", permission: ${permission} }`
    const [before, after] = [
      policyWith([named('leave:approve')]),
      policyWith([named('leave:read')]),
    ]
    const line = decisionLine(before, { role: 'viewer', request: 'POST /o/org-a' })
    const { status, stdout } = await replay(
      ...[file('named.jsonl', text(policyLine(before), line)), '--format', 'junit'],
      ...['--policy', policyFile('named.json', after), '--fail-on', 'newly-allowed'],
    )
    expect([status, stdout]).toEqual([1, expect.stringContaining('tests="3" failures="1"')])
  })

  it('by route also where a refusal is enforced from now on, or no more', async () => {
    const { stdout } = await replay(log, '--policy', lifted)
    expect(stdout).toContain(
      [
        'by route         newly enforced  newly lifted',
        '  leave.approve               0             1',
      ].join('\n'),
    )
    const markdown = await replay(log, '--policy', lifted, '--format', 'markdown')
    expect(markdown.stdout).toContain(
      '| by route | newly enforced | newly lifted |\n| :-- | --: | --: |',
    )
    expect(markdown.stdout).toContain('| <code>leave.approve</code> | 0 | 1 |')
  })

  it('as Markdown', async () => {
    const { stdout } = await replay(log, '--policy', strict, '--format', 'markdown')
    expect(stdout).toContain('### ❌ tenantgate replay')
    expect(stdout).toContain('| **allow → deny** | 1 |  |')
    expect(stdout).toContain('| <code>leave.read</code> | 1 | 1 |')
    expect((await replay(log, '--policy', same, '--format', 'markdown')).stdout).toContain('### ✅')
  })

  it('what stands in a log is no markup, no mention, no link and no control code', async () => {
    const user = '@everyone|<img/src=x>`https://evil.example'
    const hostile = file(
      'hostile.jsonl',
      text(
        policyLine(policy),
        decisionLine(policy, { role: 'viewer', user }),
        decisionLine(policy, { fact: factOf(['viewer', '\u001b[2J\n| injected |\u202e']) }),
      ),
    )
    const markdown = await replay(hostile, '--policy', strict, '--format', 'markdown')
    const rows = markdown.stdout.split('\n').filter((line) => line.startsWith('|'))
    expect(
      rows.every((row) => !/[@`]|https:|<img|\u001b/.test(row.replaceAll(/<\/?code>/g, ''))),
    ).toBe(true)
    expect(new Set(rows.map((row) => row.split(' | ').length))).toEqual(new Set([3, 4]))
    const terminal = await replay(hostile, '--policy', strict)
    expect(terminal.stdout).not.toMatch(/[\u001b\u202e]|^\| injected/m)
    expect(terminal.stdout).toContain('\\u{1b}[2J\\u{a}| injected |\\u{202e}')
  })
})

it('whoever makes requests does not fill the comment of a pull request', async () => {
  const open = '{ name: open, match: "GET /o/{organizationId}/{rest...}", permission: leave:'
  const [before, after] = [policyWith([`${open}approve }`]), policyWith([`${open}read }`])]
  const lines = Array.from({ length: 12 }, (_, n) =>
    decisionLine(before, {
      user: `u${n}${'~'.repeat(250)}`,
      fact: factOf(['viewer', `${n}\u{f0000}`.repeat(90)]),
      request: `GET /o/${n}${'!'.repeat(250)}/${'$'.repeat(7_900)}`,
      token: tokenOf({ sub: `u${n}${'~'.repeat(250)}`, organizationId: `${n}${'!'.repeat(250)}` }),
    }),
  )
  const { stdout } = await replay(
    ...[file('long.jsonl', text(policyLine(before), ...lines)), '--format', 'markdown'],
    ...['--policy', policyFile('long.json', after)],
  )
  expect(stdout).toContain('| **deny → allow** | 12 |')
  // What GitHub takes of a comment, in characters.
  expect(stdout.length).toBeLessThan(65_536)
})

describe('the exit status', () => {
  const unseen = policyWith([
    readRoute,
    approveRoute,
    '{ name: me, match: GET /me, access: authenticated }',
  ])
  const unknown = file(
    'unknown.jsonl',
    text(policyLine(policy), decisionLine(policy, { request: 'GET /me' })),
  )
  const routes = policyFile('unseen.json', unseen)
  const forged = file(
    'forged.jsonl',
    text(policyLine(policy), (decisions[0] ?? '').replace('[["staff"]]', '[["x"]]')),
  )
  it.each<[number, string, readonly string[]]>([
    [0, 'nothing flips', [log, '--policy', same]],
    [1, 'something flips', [log, '--policy', strict]],
    [0, 'nothing is to fail', [log, '--policy', strict, '--fail-on', 'none']],
    [1, 'who gains access', [log, '--policy', loose, '--fail-on', 'newly-allowed']],
    [0, 'nobody loses access', [log, '--policy', loose, '--fail-on', 'newly-denied']],
    [1, 'who is let pass from now on', [log, '--policy', lifted, '--fail-on', 'newly-allowed']],
    [1, 'a log that does not bear itself out', [forged]],
    [0, 'what nobody can tell', [unknown, '--policy', routes]],
    [1, 'what nobody can tell, strictly', [unknown, '--policy', routes, '--strict']],
    [0, 'nothing flips, strictly', [log, '--policy', same, '--strict']],
    [2, 'no log', []],
    [2, 'a log that is not there', ['nowhere.jsonl']],
    [2, 'an empty log', [file('empty.jsonl', '')]],
    [2, 'nothing that was asked for', [log, '--route', 'nowhere']],
    [2, 'an unknown format', [log, '--format', 'yaml']],
    [2, 'an unknown --fail-on', [log, '--fail-on', 'all']],
    [2, 'unknown facts', [log, '--facts', 'old']],
    [2, 'a time that is none', [log, '--since', 'yesterday']],
    [2, 'no threads', [log, '--threads', '0']],
    [2, 'live facts without a database', [log, '--facts', 'live']],
    [2, 'a stream without a server', ['nats:log']],
  ])('is %i for %s', async (status, _title, args) => {
    const result = await replay(...args)
    expect(result.status, result.stdout + result.stderr).toBe(status)
    if (status === 2) expect(result.stderr).not.toBe('')
  })

  it('is 2 for a candidate that does not load, with the place of every fault', async () => {
    const faulty = file('faulty.yaml', 'version: 3\nroutes: []\n')
    const { status, stderr } = await replay(log, '--policy', faulty)
    expect([status, stderr]).toEqual([2, expect.stringContaining('faulty.yaml:1:10: version')])
  })

  it.each([
    ['a database', ['--facts', 'live'], { DATABASE_URL: 'postgres://u:p@127.0.0.1:1/x' }],
    ['a server of streams', ['nats:log'], { NATS_URL: 'nats://127.0.0.1:1' }],
  ] as const)('is 3 where %s cannot be reached', async (_title, args, env) => {
    const { status, stderr } = await tenantgate(['replay', log, ...args], env)
    expect([status, stderr]).toEqual([3, expect.stringMatching(/refused/i)])
  })
})

describe('only what is asked for is replayed', () => {
  it.each<[string, readonly string[], number]>([
    ['--since a moment', ['--since', '2026-11-20T12:02:00Z'], 4],
    ['--since a moment elsewhere', ['--since', '2026-11-20T13:02:00+01:00'], 4],
    ['--since so long ago', ['--since', '99999d'], 8],
    ['--until a moment', ['--until', '2026-11-20T12:01:00Z'], 2],
    ['--until a date', ['--until', '2026-11-21'], 8],
    ['--route', ['--route', 'leave.read'], 4],
    ['--route twice', ['--route', 'leave.read', '--route', 'leave.approve'], 8],
    ['--organization', ['--organization', 'org-a'], 8],
  ])('by %s', async (_title, args, count) => {
    expect((await reported(log, ...args))['decisions']).toBe(count)
  })
})

describe('a log is read', () => {
  const bytes = text(policyLine(policy), ...decisions)

  it('from standard input, plain or compressed, also beside a file', async () => {
    const plain = await piped(bytes, ['-', '--format', 'json'])
    expect(JSON.parse(plain.stdout)).toMatchObject({ decisions: 8, same: 8 })
    const both = await piped(gzipSync(text(...decisions)), ['-', log, '--format', 'json'])
    expect(JSON.parse(both.stdout)).toMatchObject({ decisions: 16, same: 16, skipped: 0 })
  })

  it('by globs, with what else stands in them told and never fatal', async () => {
    file('many-1.jsonl', bytes)
    file('many-2.jsonl.gz', gzipSync(text(...decisions)))
    file('many-3.jsonl', text('{"level":30}', 'panic: no JSON', '{"type":"decision","rea'))
    const { status, stderr, stdout } = await replay(join(folder, 'many-*'), '--format', 'json')
    expect(status).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      decisions: 16,
      skipped: 3,
      skipped_by: { other: 1, broken: 2, without_policy: {} },
    })
    expect(stderr).toContain('2 broken lines')
  })

  it('where its policy is in no log, with the file of the policy', async () => {
    const torn = file('torn.jsonl', text(...decisions))
    const without = await replay(torn)
    expect(without.status).toBe(2)
    expect(without.stderr).toContain(`8 decisions of ${policy.version} skipped`)
    expect(without.stderr).toContain('--recorded-policy')
    const report = await reported(torn, '--recorded-policy', same, '--policy', strict)
    expect(report).toMatchObject({ decisions: 8, different: 2 })
  })

  it('as far as an archive goes', async () => {
    const lines = Array.from({ length: 2_000 }, () => decisionLine(policy))
    const whole = gzipSync(text(policyLine(policy), ...lines))
    const cut = file('cut.gz', whole.subarray(0, -500))
    const { status, stderr, stdout } = await replay(cut)
    // What was cut off may hold what was to be found.
    expect(status).toBe(2)
    expect(stderr).toContain('cut.gz: could not be read to its end: unexpected end of file')
    expect(stdout).toMatch(/^1,9\d\d decisions replayed/)
    expect(await reported(cut)).toMatchObject({
      incomplete: [{ file: cut, message: 'unexpected end of file' }],
    })
    const markdown = await replay(cut, '--format', 'markdown')
    expect(markdown.stdout).toContain('### ⚠️ tenantgate replay')
    expect(markdown.stdout).toContain('**Not told:** logs not read to their end 1.')
    const junit = await replay(cut, '--format', 'junit')
    expect(junit.stdout).toContain('tests="2" failures="1"')
    expect(junit.stdout).toContain('was logs not read to their end 1')
  })

  it('from a JetStream stream, by the subject of TENANTGATE_DECISION_LOG', async () => {
    const owner = await changePublisher(servers().natsUrl)
    const name = uniqueName('REPLAYED')
    onTestFinished(async () => {
      await owner.streams.streams.delete(name)
      await owner.close()
    })
    const subject = `log.${name}`
    await owner.createStream({ name, subjects: [subject] })
    // The policy comes last here: a stream that forgets what is old may have lost an earlier line.
    for (const line of [...decisions, policyLine(policy)]) {
      await owner.store(subject, Buffer.from(line))
    }
    const { status, stdout } = await tenantgate(
      ['replay', `nats:${subject}`, '--policy', strict, '--format', 'json'],
      { NATS_URL: servers().natsUrl },
    )
    expect(status).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({ decisions: 8, different: 2, skipped: 0 })
  })
})

describe('with today’s facts', () => {
  it('who changed roles since gains and loses access; who is undetermined stays so', async () => {
    const tables = await postgresTables({ adapter: 'drizzle', ids: 'text' })
    onTestFinished(tables.close)
    await tables.addOrganization({ id: 'org-a' })
    for (const [id, role] of [
      ['u0', 'viewer'],
      ['u1', 'staff'],
      ['u2', 'staff'],
      ['u3', 'x'],
    ] as const) {
      await tables.addUser({ id })
      await tables.addMember({ user: id, organization: 'org-a', role })
    }
    const lines = roles.flatMap((role, index) =>
      ['GET', 'POST'].map((method) =>
        decisionLine(policy, { role, user: `u${index}`, request: `${method} /o/org-a` }),
      ),
    )
    const live = file('live.jsonl', text(policyLine(policy), ...lines))
    const { status, stdout, stderr } = await tenantgate(
      ['replay', live, '--facts', 'live', '--format', 'json'],
      { DATABASE_URL: tables.url },
    )
    expect(stderr).toBe('')
    expect(status).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({
      decisions: 8,
      // u0 may not approve any more, nor u3; u2 may from now on.
      flips: { allow_to_deny: 2, deny_to_allow: 1 },
      subjects: {
        u0: { allow_to_deny: 1, deny_to_allow: 0 },
        u2: { allow_to_deny: 0, deny_to_allow: 1 },
        u3: { allow_to_deny: 1, deny_to_allow: 0 },
      },
    })
  })
})
