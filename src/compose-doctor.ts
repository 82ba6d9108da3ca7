import { envoyPart } from './adapters/envoy/doctor.ts'
import { examineKeys, publicKeyCheck } from './adapters/jose/doctor.ts'
import { createJwksUrl } from './adapters/jose/jwks-url.ts'
import type { DecisionStreamUse } from './adapters/nats/doctor-decisions.ts'
import { natsPart, withoutNats } from './adapters/nats/doctor.ts'
import { postgresPart } from './adapters/postgres/doctor.ts'
import { createJwksTable } from './adapters/postgres/jwks-table.ts'
import { createSchemaReader } from './adapters/postgres/schema.ts'
import { redisPart } from './adapters/redis/doctor.ts'
import { createRedactor } from './application/doctor-address.ts'
import { examinePolicy, faultText } from './application/doctor-policy.ts'
import { createDoctor, type OpenPart, type Part } from './application/doctor.ts'
import { messageOf } from './application/faults.ts'
import type { Config } from './config.ts'
import { natsSubjectOf } from './config-log.ts'
import type { Finding } from './domain/finding.ts'
import { decisionIdHeader } from './domain/injected-headers.ts'
import type { Policy } from './domain/policy.ts'
import { loadPolicy, readText } from './commands/files.ts'

/** What stands around a policy in its line, also in OPA's form, in bytes. */
const policyEnvelopeBytes = 1_000
const openMs = 10_000
const checkMs = 6_000
/** Set by tenantgate where TENANTGATE_ASSERTION is on; never to come from a client either way. */
const assertionHeader = 'x-identity-assertion'
const usualHeaders = ['x-user-id', 'x-org-id', 'x-org-role', 'x-user-role']

/** Makes all checks for a configuration; never rejects. */
export async function examine(config: Config, envoyAdminUrl?: string): Promise<readonly Finding[]> {
  const { policy, faults } = readPolicyOf(config)
  const run = createDoctor({
    timeLimit: (ms) => AbortSignal.timeout(ms),
    redact: redactorOf(config, envoyAdminUrl),
    openMs,
    checkMs,
  })
  const claimsMayGrant = config.claims === 'grant'
  const dependencies = await run([
    ...dependenciesOf(config, policy),
    keyPart(config),
    ...(envoyAdminUrl === undefined ? [] : [runningEnvoy(config, policy, envoyAdminUrl)]),
  ])
  return [
    ...examinePolicy({ file: config.policy, policy, faults, claimsMayGrant }),
    ...dependencies,
    ...(config.natsUrl === undefined ? [withoutNats] : []),
  ]
}

interface PolicyReading {
  readonly policy: Policy | undefined
  readonly faults: readonly string[]
}

function readPolicyOf(config: Config): PolicyReading {
  try {
    const loading = loadPolicy(readText(config.policy))
    return 'policy' in loading
      ? { policy: loading.policy, faults: [] }
      : { policy: undefined, faults: loading.faults.map(faultText) }
  } catch (cause) {
    return { policy: undefined, faults: [messageOf(cause)] }
  }
}

function dependenciesOf(config: Config, policy: Policy | undefined): readonly Part[] {
  const now = (): number => Date.now()
  const keysInTable = config.jwks === 'postgres'
  const postgres = postgresPart({
    url: config.databaseUrl,
    policy,
    keysInTable,
    now,
    furtherChecks: (database) =>
      keysInTable
        ? [
            publicKeyCheck(
              createJwksTable({ database, schema: createSchemaReader(database) }),
              "Better Auth's table",
            ),
          ]
        : [],
  })
  const { cacheTtlMs, natsPrefix: prefix, natsStream: stream, natsUrl, redisUrl } = config
  return [
    postgres,
    ...(redisUrl === undefined ? [] : [redisPart({ url: redisUrl, now })]),
    ...(natsUrl === undefined
      ? []
      : [
          natsPart({
            url: natsUrl,
            stream,
            prefix,
            cacheTtlMs,
            decisions: decisionStream(config, policy),
          }),
        ]),
  ]
}

/** The stream of the decision log, where it is one. */
function decisionStream(
  { decisionLog, logRequired }: Config,
  policy: Policy | undefined,
): DecisionStreamUse | undefined {
  const subject = natsSubjectOf(decisionLog)
  if (subject === undefined) return undefined
  const text = policy && JSON.stringify(policy.definition)
  const policyBytes = text === undefined ? null : Buffer.byteLength(text) + policyEnvelopeBytes
  return { subject, required: logRequired, policyBytes }
}

/** Keys are no server of their own: what is read of them is one check. */
function keyPart(config: Config): Part {
  const { jwks } = config
  const opened: OpenPart = {
    findings: examineKeys(config),
    checks:
      jwks === undefined || jwks === 'postgres'
        ? []
        : [publicKeyCheck(createJwksUrl(jwks), 'the JWKS URL')],
    answers: () => Promise.resolve(),
    close: () => Promise.resolve(),
  }
  return {
    name: 'keys',
    place: 'keys',
    open: () => Promise.resolve(opened),
    unreachable: { why: 'no token can be verified', mend: 'see docs/configuration.md' },
  }
}

function runningEnvoy(config: Config, policy: Policy | undefined, adminUrl: string): Part {
  const headers = policy === undefined ? usualHeaders : Object.values(policy.definition.headers)
  return envoyPart({
    adminUrl,
    identityHeaders: [...(headers as readonly string[]), decisionIdHeader, assertionHeader],
    tenantHeaders: policy?.tenantHeaders ?? [],
    deadlineMs: config.deadlineMs,
    drainMs: config.drainMs,
  })
}

function redactorOf(config: Config, envoyAdminUrl: string | undefined): (text: string) => string {
  const { databaseUrl, jwks, natsUrl, redisUrl, secrets } = config
  const urls = [databaseUrl, redisUrl, natsUrl, jwks, envoyAdminUrl]
  return createRedactor(
    secrets,
    urls.filter((url) => url !== undefined && url !== 'postgres').map(String),
  )
}
