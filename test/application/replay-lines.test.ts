import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sha256 } from '../../src/adapters/files/policy-document.ts'
import { createLineReplay, type LineReplay } from '../../src/application/replay-lines.ts'
import type { ReplayFilter } from '../../src/application/replay-filter.ts'
import { createReplayPolicies } from '../../src/application/replay-policies.ts'
import { reportOf, type ReplayReport } from '../../src/application/replay-report.ts'
import { mergeTally, newTally } from '../../src/application/replay-tally.ts'
import { isFound, type FailOn } from '../../src/application/replay-verdict.ts'
import type { Policy } from '../../src/domain/policy.ts'
import { factOf, policyWith, tokenOf } from '../support/builders.ts'
import { decisionLine, policyLine, type LineParts } from '../support/decision-lines.ts'

const readRoute = '{ name: read, match: "GET /o/{organizationId}", permission: leave:read }'
const approveRoute = (more = ''): string =>
  `{ name: approve, match: "POST /o/{organizationId}", permission: leave:approve${more} }`
const atX = '{ name: x, match: GET /x, access: authenticated }'
const policy = policyWith([readRoute, approveRoute()])
const stricter = policyWith([readRoute.replace('leave:read', 'leave:approve'), approveRoute()])
const looser = policyWith([readRoute, approveRoute().replace('leave:approve', 'leave:read')])
const shadow = policyWith([readRoute, approveRoute(', mode: shadow')])

function begin(candidate?: Policy, filter: ReplayFilter = {}): LineReplay {
  const policies = createReplayPolicies(sha256)
  return createLineReplay({ policies, candidate, filter })
}
function replayed(
  lines: readonly string[],
  candidate?: Policy,
  filter?: ReplayFilter,
): ReplayReport {
  const replay = begin(candidate, filter)
  for (const [at, line] of lines.entries()) {
    const missing = replay.line(JSON.parse(line), { source: 0, at })
    if (missing !== undefined) replay.withoutPolicy(missing)
  }
  return reportOf(replay.tally)
}
const log = (...parts: readonly LineParts[]): readonly string[] => [
  policyLine(policy),
  ...parts.map((one) => decisionLine(policy, one)),
]

const post = 'POST /o/org-a'

describe('decisions are compared', () => {
  const lines = log({}, { role: 'viewer' }, { role: 'approver' }, { request: post, role: 'viewer' })

  it('with those that were made, without a candidate', () => {
    expect(replayed(lines)).toMatchObject({
      decisions: 4,
      same: 4,
      different: 0,
      samples: [],
      policies: { [policy.version]: 4 },
    })
  })

  it('with a stricter candidate: who loses access, where', () => {
    expect(replayed(lines, stricter)).toMatchObject({
      decisions: 4,
      same: 2,
      different: 2,
      flips: { allow_to_deny: 1, deny_to_allow: 1 },
      routes: { read: { allow_to_deny: 1, deny_to_allow: 1 } },
      roles: {
        viewer: { allow_to_deny: 1, deny_to_allow: 0 },
        approver: { allow_to_deny: 0, deny_to_allow: 1 },
      },
      organizations: { 'org-a': { allow_to_deny: 1, deny_to_allow: 1 } },
      subjects: { u1: { allow_to_deny: 1, deny_to_allow: 1 } },
      platform_roles: {},
      samples: [
        {
          change: 'allow_to_deny',
          recorded: { decision: 'allow', reason: 'granted' },
          replayed: { decision: 'deny', reason: 'permission_denied' },
        },
        { change: 'deny_to_allow', route: 'read', method: 'GET', path: '/o/org-a' },
      ],
    })
  })

  it('a platform role that one of the policies knows is told apart', () => {
    const fact = factOf(['x'], { platformRoles: ['user', 'support'] })
    const report = replayed(log({ fact }), stricter)
    expect(report.platform_roles).toEqual({ support: { allow_to_deny: 1, deny_to_allow: 0 } })
  })

  it('by whether the request goes through, where the decision stays', () => {
    const refused = log({ request: post, role: 'viewer' })
    expect(replayed(refused, shadow)).toMatchObject({
      different: 1,
      flips: { allow_to_deny: 0, deny_to_allow: 0 },
      enforcement: { newly_enforced: 0, newly_lifted: 1, routes: { approve: { newly_lifted: 1 } } },
      routes: {},
    })
    const watched = [policyLine(shadow), decisionLine(shadow, { request: post, role: 'viewer' })]
    expect(replayed(watched, policy).enforcement).toMatchObject({ newly_enforced: 1 })
  })

  it('by their reason alone: no flip', () => {
    const gone = policyWith([approveRoute()])
    expect(replayed(log({ role: 'x' }), gone)).toMatchObject({
      different: 1,
      other_reason: 1,
      flips: { allow_to_deny: 0, deny_to_allow: 0 },
    })
  })

  it('and a route that only the candidate has is named', () => {
    const line = decisionLine(policy, { request: 'GET /new' })
    const opened = policyWith([readRoute, '{ name: new, match: GET /new, access: public }'])
    expect(replayed([policyLine(policy), line], opened).routes).toEqual({
      new: { allow_to_deny: 0, deny_to_allow: 1 },
    })
  })
})

describe('what is not replayed is counted', () => {
  it('kept, undetermined by why, and skipped by kind', () => {
    const other = policyWith(['{ name: x, match: GET /x, access: public }'])
    const lines = [
      ...log({ fact: 'down' }, { request: 'GET ' }, { request: 'GET /x' }),
      decisionLine(other, { request: 'GET /x' }),
      '{"level":30}',
      '{"type":"decision"}',
      JSON.stringify({ type: 'policy', policy: 'sha256:0', definition: policy.definition }),
      JSON.stringify({ type: 'policy', policy: policy.version, definition: other.definition }),
    ]
    const opened = policyWith([readRoute, '{ name: x, match: GET /x, access: authenticated }'])
    expect(replayed(lines, opened)).toMatchObject({
      decisions: 3,
      kept: 2,
      undetermined: 1,
      undetermined_by: { 'the credential was never looked at': 1 },
      skipped: 5,
      skipped_by: { other: 1, broken: 3, without_policy: { [other.version]: 1 } },
    })
  })

  it('what is kept needs no policy', () => {
    expect(replayed([decisionLine(policy, { fact: 'down' })])).toMatchObject({
      decisions: 1,
      kept: 1,
      skipped: 0,
    })
  })

  it('a record that its own policy does not bear out is different, and decides nothing else', () => {
    const forged = decisionLine(policy, { role: 'viewer' }).replace(
      '"rows":[["viewer"]]',
      '"rows":[]',
    )
    const lines = [policyLine(policy), forged]
    expect(replayed(lines)).toMatchObject({
      different: 1,
      flips: { allow_to_deny: 1, deny_to_allow: 0 },
    })
    expect(replayed(lines, stricter)).toMatchObject({
      different: 0,
      undetermined_by: { 'it does not come out the same under its own policy': 1 },
    })
    // Also where the candidate is the policy itself.
    expect(replayed(lines, policy).undetermined).toBe(1)
  })
})

describe('only what is asked for is replayed', () => {
  const lines = log(
    { minute: 0 },
    { minute: 5, organization: 'org-b' },
    { minute: 10, request: post, role: 'viewer' },
    { minute: 15, token: tokenOf({ organizationId: 'org-c' }) },
  )
  it.each<[string, ReplayFilter, number]>([
    ['all', {}, 4],
    ['since, with that moment', { since: '2026-11-20T12:05:00.000Z' }, 3],
    ['until, without that moment', { until: '2026-11-20T12:05:00.000Z' }, 1],
    ['a route', { routes: ['approve'] }, 1],
    ['one of two routes', { routes: ['approve', 'read'] }, 4],
    ['an organization, by the request before the token', { organizations: ['org-a'] }, 3],
    ['another organization', { organizations: ['org-b'] }, 1],
    ['all of them together', { since: '2026-11-20T12:01:00.000Z', routes: ['read'] }, 2],
  ])('%s', (_title, filter, decisions) => {
    expect(replayed(lines, undefined, filter)).toMatchObject({ decisions, filtered: 4 - decisions })
  })
})

it('allows of which a share is logged are scaled back, denials are not', () => {
  const lines = log({ share: 0.1 }, { share: 0.1, role: 'x' }, { share: 0.3, role: 'viewer' })
  const { estimated, ...report } = replayed(lines, stricter)
  expect(report).toMatchObject({ decisions: 3, flips: { allow_to_deny: 1 } })
  expect(estimated).toEqual({
    decisions: 1 + 10 + 3,
    same: 11,
    undetermined: 0,
    flips: { allow_to_deny: 3, deny_to_allow: 0 },
  })
})

const someParts = fc.record({
  role: fc.constantFrom('viewer', 'approver', 'staff', 'x'),
  user: fc.constantFrom('u1', 'u2', 'u3'),
  organization: fc.constantFrom('org-a', 'org-b'),
  share: fc.constantFrom(1, 0.3, 0.07),
})

it('the report is the same however the log was cut and in whatever order its parts are merged', () => {
  fc.assert(
    fc.property(
      fc.array(someParts, { minLength: 1, maxLength: 60 }),
      fc.array(fc.nat({ max: 60 }), { maxLength: 6 }),
      fc.boolean(),
      (all, cuts, turned) => {
        const lines = all.map((parts) => decisionLine(policy, parts))
        const tallyOf = (from: number, to: number): ReturnType<typeof newTally> => {
          const replay = begin(stricter)
          replay.line(JSON.parse(policyLine(policy)), { source: 0, at: -1 })
          for (let at = from; at < to; at++)
            replay.line(JSON.parse(lines[at] ?? ''), { source: 0, at })
          return replay.tally
        }
        const bounds = [0, ...cuts.map((cut) => cut % (lines.length + 1)), lines.length]
        bounds.sort((a, b) => a - b)
        const parts = bounds.slice(1).map((to, index) => tallyOf(bounds[index] ?? 0, to))
        if (turned) parts.reverse()
        const merged = newTally()
        for (const part of parts) mergeTally(merged, structuredClone(part))
        expect(reportOf(merged)).toEqual(reportOf(tallyOf(0, lines.length)))
      },
    ),
    { numRuns: 100 },
  )
})

describe('what cannot be believed', () => {
  it('is a candidate that only has the same version', () => {
    const disguised = { ...stricter, version: policy.version }
    const lines = log({}, { role: 'viewer' })
    expect(replayed(lines, disguised).flips).toEqual({ allow_to_deny: 1, deny_to_allow: 0 })
    // The same policy decides the same, also where another one would need what nobody read.
    const again = policyWith([readRoute, approveRoute()])
    expect(replayed(log({}, { request: 'GET /o/org-b' }), again)).toMatchObject({ same: 2 })
  })

  it('is a policy nested deeper than it can be walked: its line is broken', () => {
    const deep = (open: string, close: string) => open.repeat(200_000) + close.repeat(200_000)
    const line = (version: string, definition: string) =>
      `{"type":"policy","policy":"${version}","definition":{"version":1,"routes":${definition}}}`
    const lines = [
      line('sha256:0000000000000000', deep('[', ']')),
      ...log({ role: 'viewer' }),
      line(policy.version, `${deep('{"a":', '').slice(0, -1)}:1${'}'.repeat(200_000)}`),
    ]
    expect(replayed(lines, stricter)).toMatchObject({
      decisions: 1,
      skipped_by: { broken: 2 },
      flips: { allow_to_deny: 1 },
    })
  })
})

describe('a replay fails on', () => {
  const none = replayed(log({}))
  const denied = replayed(log({ role: 'viewer' }), stricter)
  const allowed = replayed(log({ request: post, role: 'viewer' }), looser)
  const lifted = replayed(log({ request: post, role: 'viewer' }), shadow)
  const reason = replayed(log({ role: 'x' }), policyWith([approveRoute()]))
  const forgedLines = [policyLine(policy), decisionLine(policy).replace('["staff"]]', '["x"]]')]
  const forged = replayed(forgedLines, stricter)
  const all: readonly FailOn[] = ['none', 'any', 'newly-allowed', 'newly-denied']

  it.each<[string, ReplayReport, boolean, readonly FailOn[]]>([
    ['nothing where all is the same', none, false, []],
    ['who loses access', denied, true, ['any', 'newly-denied']],
    ['who gains access', allowed, true, ['any', 'newly-allowed']],
    ['what is not enforced any more', lifted, true, ['any', 'newly-allowed']],
    ['nothing where another policy has another reason', reason, true, []],
    ['another reason under the same policy', reason, false, ['any']],
    ['a log that does not bear itself out', forged, true, ['any']],
  ])('%s', (_title, report, candidate, expected) => {
    expect(all.filter((failOn) => isFound(report, failOn, { candidate, strict: false }))).toEqual(
      expected,
    )
  })

  const unknown = replayed(log({ request: 'GET /x' }), policyWith([readRoute, atX]))
  const lacking = replayed(log({}).slice(1), stricter)
  const cut = { ...none, incomplete: [{ file: 'log.gz', message: 'unexpected end of file' }] }
  it.each<[string, ReplayReport]>([
    ['what is undetermined', unknown],
    ['decisions without their policy', lacking],
    ['a log that was not read to its end', cut],
  ])('%s only where it is strict', (_title, report) => {
    const judge = (strict: boolean) =>
      all.filter((failOn) => isFound(report, failOn, { candidate: true, strict }))
    expect([judge(false), judge(true)]).toEqual([[], all])
  })
})
