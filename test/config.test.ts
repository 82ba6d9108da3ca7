import { describe, expect, it } from 'vitest'
import { readConfig, type Config } from '../src/config.ts'

const least = { BETTER_AUTH_SECRET: 's'.repeat(32), DATABASE_URL: 'postgres://u:p@db/app' }

function config(env: Readonly<Record<string, string>> = {}): Config {
  const reading = readConfig({ ...least, ...env })
  if ('config' in reading) return reading.config
  throw new Error(reading.faults.map((f) => `${f.variable}: ${f.message}`).join('\n'))
}

type Env = Readonly<Record<string, string | undefined>>
const decisionLog = 'TENANTGATE_DECISION_LOG'

function faults(env: Env): readonly string[] {
  const reading = readConfig({ ...least, ...env })
  return 'faults' in reading ? reading.faults.map(({ variable }) => variable) : []
}

describe('the configuration', () => {
  it('has the documented defaults, and is frozen', () => {
    const defaults = config()
    expect(defaults).toMatchObject({
      policy: 'policy.yaml',
      grpcListen: '0.0.0.0:9191',
      httpListen: { host: '127.0.0.1', port: 9180 },
      deadlineMs: 100,
      drainMs: 5_000,
      cacheTtlMs: 300_000,
      verifyAfterMs: 5_000,
      claims: 'grant',
      decisionLog: 'stdout',
      decisionLogFormat: 'tenantgate',
      decisionLogMaxBytes: undefined,
      decisionLogKeep: 5,
      loggedAllows: 1,
      logRequired: false,
      logLevel: 'info',
      issuers: [],
      audiences: [],
    })
    expect(Object.isFrozen(defaults)).toBe(true)
  })

  it.each([
    ['one', { BETTER_AUTH_SECRET: 'one' }, ['one']],
    [
      'versions, the highest first',
      { BETTER_AUTH_SECRETS: '1:old,3:newest,2:new' },
      ['newest', 'new', 'old', 's'.repeat(32)],
    ],
    ['the same one twice', { BETTER_AUTH_SECRETS: `1:${'s'.repeat(32)}` }, ['s'.repeat(32)]],
    ['with colons in it', { BETTER_AUTH_SECRETS: '1:a:b' }, ['a:b', 's'.repeat(32)]],
  ])('secrets: %s', (_name, env, secrets) => {
    expect(config(env).secrets).toEqual(secrets)
  })

  it.each([
    ['the base URL', { BETTER_AUTH_URL: 'http://localhost:3005' }, ['http://localhost:3005']],
    [
      'its origin, which Better Auth signs',
      { BETTER_AUTH_URL: 'https://a.example/auth' },
      ['https://a.example', 'https://a.example/auth'],
    ],
    ['what is stated', { BETTER_AUTH_URL: 'http://a', TENANTGATE_JWT_ISSUER: 'x, y' }, ['x', 'y']],
  ])('issuers: %s', (_name, env, issuers) => {
    expect(config(env).issuers).toEqual(issuers)
  })

  it.each([
    ['127.0.0.1:80', { host: '127.0.0.1', port: 80 }],
    ['[::1]:80', { host: '::1', port: 80 }],
    ['localhost:0', { host: 'localhost', port: 0 }],
  ])('HTTP on %s', (TENANTGATE_HTTP_LISTEN, listen) => {
    expect(config({ TENANTGATE_HTTP_LISTEN }).httpListen).toEqual(listen)
  })

  it.each([
    ['1MB', 1_000_000],
    ['512MB', 512_000_000],
    ['1.5GB', 1_500_000_000],
    ['1MiB', 1_048_576],
    ['2GiB', 2_147_483_648],
  ])('a log file of %s', (TENANTGATE_DECISION_LOG_MAX_SIZE, bytes) => {
    const sized = config({ TENANTGATE_DECISION_LOG: '/x', TENANTGATE_DECISION_LOG_MAX_SIZE })
    expect(sized).toMatchObject({ decisionLogMaxBytes: bytes, decisionLogKeep: 5 })
  })

  it('a log to NATS, in OPA’s form', () => {
    const env = { NATS_URL: 'nats://n', TENANTGATE_DECISION_LOG: 'nats:tenantgate.decisions' }
    expect(config({ ...env, TENANTGATE_DECISION_LOG_FORMAT: 'opa' })).toMatchObject({
      decisionLog: 'nats:tenantgate.decisions',
      decisionLogFormat: 'opa',
    })
  })

  it('an empty variable is an unset one', () => {
    expect(config({ TENANTGATE_DEADLINE: '', TENANTGATE_POLICY: ' ' })).toMatchObject({
      deadlineMs: 100,
      policy: 'policy.yaml',
    })
  })

  it.each<[string, Env, string]>([
    ['no key', { BETTER_AUTH_SECRET: undefined }, 'BETTER_AUTH_SECRET'],
    ['no database', { DATABASE_URL: undefined }, 'DATABASE_URL'],
    ['a JWKS that is no URL', { TENANTGATE_JWKS: 'keys' }, 'TENANTGATE_JWKS'],
    ['secrets without a version', { BETTER_AUTH_SECRETS: 'abc' }, 'BETTER_AUTH_SECRETS'],
    ['a short cache key', { TENANTGATE_CACHE_KEY: 'short' }, 'TENANTGATE_CACHE_KEY'],
    [
      'Redis without any key for its seal',
      { BETTER_AUTH_SECRET: undefined, TENANTGATE_JWKS: 'postgres', REDIS_URL: 'redis://r' },
      'TENANTGATE_CACHE_KEY',
    ],
    ['a deadline without a unit', { TENANTGATE_DEADLINE: '100' }, 'TENANTGATE_DEADLINE'],
    ['a deadline of nothing', { TENANTGATE_DEADLINE: '0s' }, 'TENANTGATE_DEADLINE'],
    ['a negative drain', { TENANTGATE_DRAIN: '-1s' }, 'TENANTGATE_DRAIN'],
    ['a port beyond all', { TENANTGATE_GRPC_LISTEN: '0.0.0.0:70000' }, 'TENANTGATE_GRPC_LISTEN'],
    [
      'a share that is none',
      { TENANTGATE_DECISION_LOG_ALLOWS: 'all' },
      'TENANTGATE_DECISION_LOG_ALLOWS',
    ],
    [
      'a required log that is off',
      { TENANTGATE_DECISION_LOG_REQUIRED: 'true', TENANTGATE_DECISION_LOG: 'off' },
      'TENANTGATE_DECISION_LOG_REQUIRED',
    ],
    [
      'a certificate without its key',
      { TENANTGATE_HTTP_TLS_CERT: 'a.pem' },
      'TENANTGATE_HTTP_TLS_KEY',
    ],
    [
      'certificates that are not there',
      { TENANTGATE_GRPC_TLS_CERT: 'a.pem', TENANTGATE_GRPC_TLS_KEY: 'b.pem' },
      'TENANTGATE_GRPC_TLS_CERT',
    ],
    ...['0', '65', '1.5', 'two', '-1'].map((workers): [string, Env, string] => [
      `a number of workers that is none (${workers})`,
      { TENANTGATE_WORKERS: workers },
      'TENANTGATE_WORKERS',
    ]),
    [
      'a worker beyond all ports',
      { TENANTGATE_WORKERS: '2', TENANTGATE_GRPC_LISTEN: '0.0.0.0:65535' },
      'TENANTGATE_WORKERS',
    ],
    ...[
      ['0.0.0.0:9178', '127.0.0.1:9180'],
      ['127.0.0.1:9178', '127.0.0.1:9180'],
      ['127.0.0.1:9178', '0.0.0.0:9180'],
      ['[::]:9179', '127.0.0.1:9180'],
    ].map(([grpc = '', http = '']): [string, Env, string] => [
      `a worker on the port of the HTTP server (${grpc}, ${http})`,
      {
        TENANTGATE_WORKERS: '3',
        TENANTGATE_GRPC_LISTEN: grpc,
        TENANTGATE_HTTP_LISTEN: http,
      },
      'TENANTGATE_WORKERS',
    ]),
    ['a transport that is none', { TENANTGATE_GRPC_TRANSPORT: 'h3' }, 'TENANTGATE_GRPC_TRANSPORT'],
    ['a log to NATS without a server', { TENANTGATE_DECISION_LOG: 'nats:x' }, decisionLog],
    ...['nats:', 'nats:a.*', 'nats:a..b', 'nats:$JS.a', 'nats:a b', 'nats:a.>'].map(
      (sink): [string, Env, string] => [
        `a log to what is no subject (${sink})`,
        { NATS_URL: 'nats://n', TENANTGATE_DECISION_LOG: sink },
        decisionLog,
      ],
    ),
    [
      'a log to a subject that events are read from',
      {
        ...{ NATS_URL: 'nats://n', TENANTGATE_NATS_PREFIX: 'app' },
        TENANTGATE_DECISION_LOG: 'nats:app.member.decided',
      },
      decisionLog,
    ],
    ['a form that is none', { TENANTGATE_DECISION_LOG_FORMAT: 'xml' }, `${decisionLog}_FORMAT`],
    ...['lots', '1', '10kB', '-1MB', '1mb'].map((size): [string, Env, string] => [
      `a size that is none or too small (${size})`,
      { TENANTGATE_DECISION_LOG: '/x', TENANTGATE_DECISION_LOG_MAX_SIZE: size },
      `${decisionLog}_MAX_SIZE`,
    ]),
    ...['0', '1.5', 'all', '1001'].map((keep): [string, Env, string] => [
      `a number of files that is none (${keep})`,
      { TENANTGATE_DECISION_LOG: '/x', TENANTGATE_DECISION_LOG_KEEP: keep },
      `${decisionLog}_KEEP`,
    ]),
    [
      'rotation of what is no file',
      { TENANTGATE_DECISION_LOG_MAX_SIZE: '1GB' },
      `${decisionLog}_MAX_SIZE`,
    ],
    ['a stream without a server', { TENANTGATE_NATS_STREAM: 'CHANGES' }, 'TENANTGATE_NATS_STREAM'],
    [
      'a stream whose name no stream can have',
      { NATS_URL: 'nats://n', TENANTGATE_NATS_STREAM: 'my.changes' },
      'TENANTGATE_NATS_STREAM',
    ],
    ['a prefix with a wildcard', { TENANTGATE_NATS_PREFIX: 'app.*' }, 'TENANTGATE_NATS_PREFIX'],
    ['NATS by WebSocket', { NATS_URL: 'ws://n' }, 'NATS_URL'],
    ['one NATS server of several by HTTP', { NATS_URL: 'nats://a,http://b' }, 'NATS_URL'],
    ['facts that are never old', { TENANTGATE_VERIFY_AFTER: '50ms' }, 'TENANTGATE_VERIFY_AFTER'],
    ['a cache shorter than verification', { TENANTGATE_CACHE_TTL: '4s' }, 'TENANTGATE_CACHE_TTL'],
    ['a base URL that is none', { BETTER_AUTH_URL: 'here' }, 'BETTER_AUTH_URL'],
  ])('%s is a fault', (_name, env, variable) => {
    expect(faults(env)).toEqual([variable])
  })

  it.each<[string, Env, object]>([
    ['nothing is one process', {}, { workers: 1, grpcTransport: 'lean' }],
    ['many', { TENANTGATE_WORKERS: '64' }, { workers: 64 }],
    ['the lean transport', { TENANTGATE_GRPC_TRANSPORT: 'lean' }, { grpcTransport: 'lean' }],
    [
      'ports beside the HTTP server',
      { TENANTGATE_WORKERS: '3', TENANTGATE_GRPC_LISTEN: '10.0.0.1:9178' },
      { workers: 3 },
    ],
    ['any free ports', { TENANTGATE_WORKERS: '3', TENANTGATE_GRPC_LISTEN: '0.0.0.0:0' }, {}],
  ])('takes of workers: %s', (_name, env, expected) => {
    expect(readConfig({ ...least, ...env })).toMatchObject({ config: expected })
  })

  it('says what follows from the absence of Redis and of NATS', () => {
    const warnings = (env: Readonly<Record<string, string>>): string => {
      const reading = readConfig({ ...least, ...env })
      return 'warnings' in reading ? reading.warnings.join('\n') : ''
    }
    expect(warnings({})).toMatch(/REDIS_URL is not set.*\n.*NATS_URL is not set/)
    const both = { REDIS_URL: 'redis://r', NATS_URL: 'nats://n' }
    expect(warnings(both)).not.toMatch(/REDIS_URL|NATS_URL/)
    // The servers of a cluster are listed.
    expect(warnings({ ...both, NATS_URL: 'nats://a:4222, tls://b' })).not.toMatch(/NATS_URL/)
  })

  it('never repeats a value that may hold a password', () => {
    const reading = readConfig({ DATABASE_URL: 'mysql://root:hunter2@db', NATS_URL: 'x:hunter2' })
    expect(JSON.stringify(reading)).not.toContain('hunter2')
    expect('faults' in reading && reading.faults.length).toBe(3)
  })
})
