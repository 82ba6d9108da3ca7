import { describe, expect, it } from 'vitest'
import { readConfig, type ConfigFault } from '../src/config.ts'

const secret = 'a secret of thirty-two characters or more'
const own = 'another secret of thirty-two characters or more'
type Env = Readonly<Record<string, string | undefined>>

const read = (env: Env) =>
  readConfig({
    ...{ DATABASE_URL: 'postgres://localhost/app', BETTER_AUTH_SECRET: secret },
    ...{ TENANTGATE_ASSERTION: 'on', ...env },
  })
function faults(env: Env): readonly ConfigFault[] {
  const reading = read(env)
  return 'faults' in reading ? reading.faults : []
}

describe('identity assertions', () => {
  it.each([undefined, '', 'off'])('are off with TENANTGATE_ASSERTION=%s', (mode) => {
    const reading = read({ TENANTGATE_ASSERTION: mode, TENANTGATE_ASSERTION_SECRET: 'short' })
    expect(reading).toMatchObject({ config: { assertion: undefined } })
  })

  it.each<[string, Env, object]>([
    ["Better Auth's secret", {}, { secrets: [secret], rotationMs: 86_400_000 }],
    [
      'the oldest of them first',
      { BETTER_AUTH_SECRET: undefined, BETTER_AUTH_SECRETS: `1:${secret},2:${own}` },
      { secrets: [secret, own] },
    ],
    [
      'a secret of their own',
      { TENANTGATE_ASSERTION_SECRET: `${own}, ${secret}` },
      { secrets: [own, secret] },
    ],
    [
      'other epochs and another audience',
      { TENANTGATE_ASSERTION_ROTATION: '90m', TENANTGATE_ASSERTION_AUDIENCE: 'leave' },
      { rotationMs: 5_400_000, audience: 'leave' },
    ],
  ])('take %s', (_name, env, assertion) => {
    expect(read(env)).toMatchObject({
      config: { assertion: { audience: 'upstream', ...assertion } },
    })
  })

  it.each<[string, Env, string]>([
    ['another mode', { TENANTGATE_ASSERTION: 'yes' }, 'TENANTGATE_ASSERTION'],
    [
      'no secret at all',
      { BETTER_AUTH_SECRET: undefined, TENANTGATE_JWKS: 'https://auth/jwks' },
      'TENANTGATE_ASSERTION_SECRET',
    ],
    ['a short one', { TENANTGATE_ASSERTION_SECRET: `${own},short` }, 'TENANTGATE_ASSERTION_SECRET'],
    ['a short one of Better Auth', { BETTER_AUTH_SECRET: 'x' }, 'TENANTGATE_ASSERTION_SECRET'],
    ['no duration', { TENANTGATE_ASSERTION_ROTATION: 'daily' }, 'TENANTGATE_ASSERTION_ROTATION'],
    ['no time', { TENANTGATE_ASSERTION_ROTATION: '1999ms' }, 'TENANTGATE_ASSERTION_ROTATION'],
    ['two audiences', { TENANTGATE_ASSERTION_AUDIENCE: 'a b' }, 'TENANTGATE_ASSERTION_AUDIENCE'],
  ])('are refused with %s', (_name, env, variable) => {
    expect(faults(env)).toMatchObject([{ variable }])
  })

  it('never repeat a secret in a fault', () => {
    const told = JSON.stringify(faults({ TENANTGATE_ASSERTION_SECRET: 'hunter2,hunter3' }))
    expect(told).not.toContain('hunter')
  })
})
