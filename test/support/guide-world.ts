import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { extAuthz, type EnvoyConfig } from '../../src/adapters/servers/envoy-config.ts'
import { startEnvoy } from '../../src/adapters/servers/envoy.ts'
import { onFreePort } from '../../src/adapters/servers/ports.ts'
import { startUpstream } from '../../src/demo/upstream.ts'
import { runSql } from './better-auth-tables.ts'
import { documentedDatabase } from './documented-database.ts'
import type { GuideWorld } from './guide.ts'
import { servers, uniqueName } from './servers.ts'
import { hmacToken } from './tokens.ts'

/** Words of the guides: what a reader has instead, the tests have instead, too. */
const issuer = 'http://localhost:3005'
const secret = 'the-very-secret-that-better-auth-uses'

/** What one guide needs. */
export interface GuideOptions {
  /** It begins where tenantgate stands behind Envoy already. */
  readonly behindEnvoy?: boolean
  readonly env?: Readonly<Record<string, string>>
}

/** A world for guides, and how to leave it. */
export interface OpenGuideWorld {
  /** A folder of its own for each guide, and an Envoy that asks tenantgate, where one is assumed. */
  readonly enter: (options: GuideOptions) => Promise<GuideWorld>
  readonly close: () => Promise<void>
}

const people = ['owner', 'staff', 'viewer'] as const
const idOf = (name: string, organization: string): string => `${name}-${organization}`

/** An organization with one member of each role. */
async function addOrganization(url: string): Promise<string> {
  const organization = uniqueName('org')
  await runSql(
    url,
    'INSERT INTO organizations (id, name, slug, created_at) VALUES ($1, $1, $1, now())',
    [organization],
  )
  for (const name of people) {
    const id = idOf(name, organization)
    await runSql(
      url,
      `INSERT INTO users (id, name, email, email_verified, role) VALUES ($1, $1, $1, true, 'user')`,
      [id],
    )
    await runSql(
      url,
      `INSERT INTO members (id, user_id, organization_id, role, created_at)
        VALUES ($1, $1, $2, $3, now())`,
      [id, organization, name],
    )
  }
  return organization
}

function tokenOf(name: string, organization: string): string {
  const nowS = Math.floor(Date.now() / 1000)
  return hmacToken(secret, {
    claims: {
      ...{ sub: idOf(name, organization), organizationId: organization },
      ...{ iss: issuer, aud: issuer, iat: nowS - 1, exp: nowS + 600 },
    },
  })
}

const freeAddress = (): Promise<string> =>
  onFreePort((port) => Promise.resolve(`127.0.0.1:${port}`))

/** A folder with Envoy where a shell finds it. */
function newFolder(parent: string): { readonly folder: string; readonly path: string } {
  const folder = mkdtempSync(join(parent, 'checkout-'))
  const bin = join(folder, '.bin')
  mkdirSync(bin)
  symlinkSync(servers().envoy, join(bin, 'envoy'))
  return { folder, path: `${bin}:${process.env['PATH'] ?? ''}` }
}

/** Makes a platform like a reader's: Better Auth's tables with a few people, a service, an Envoy. */
export async function openGuideWorld(): Promise<OpenGuideWorld> {
  const { ownerUrl, role } = await documentedDatabase()
  const organization = await addOrganization(ownerUrl)
  const database = new URL(ownerUrl)
  database.username = role
  const upstream = await startUpstream()
  const parent = mkdtempSync(join(tmpdir(), 'tenantgate-guides-'))
  const closers: (() => Promise<void>)[] = [upstream.close]

  return {
    async enter({ behindEnvoy = false, env = {} }) {
      const { folder, path } = newFolder(parent)
      const [grpc, http] = [await freeAddress(), await freeAddress()]
      const [edge, admin] = [await freeAddress(), await freeAddress()]
      if (behindEnvoy) {
        const envoy = await startEnvoy({
          ...{ envoy: servers().envoy, authz: [grpc], upstream: upstream.address },
          ...{ listen: edge, admin, healthCheckIntervalMs: 100, patch: patient },
        })
        closers.push(envoy.close)
      }
      return {
        folder,
        env: { PATH: path, TENANTGATE_GRPC_LISTEN: grpc, TENANTGATE_HTTP_LISTEN: http, ...env },
        standIns: new Map([
          ['postgres://tenantgate@127.0.0.1:5432/app', database.href],
          ['redis://127.0.0.1:6379', servers().redisUrl],
          ['nats://127.0.0.1:4222', servers().natsUrl],
          ['http://leave:8080', upstream.url],
          ['127.0.0.1:9180', http],
          ['127.0.0.1:10000', edge],
          ['127.0.0.1:9901', admin],
          ['org-acme', organization],
          ...people.map((name) => [`eyJ…${name}`, tokenOf(name, organization)] as const),
        ]),
      }
    },
    async close() {
      for (const close of closers.reverse()) await close()
      rmSync(parent, { recursive: true, force: true })
    },
  }
}

/** Lets a check take seconds. */
function patient(config: EnvoyConfig): void {
  const service = extAuthz(config)['grpc_service'] as {
    timeout: string
    retry_policy: { retry_back_off: { max_interval: string } }
  }
  service.timeout = '5s'
  service.retry_policy.retry_back_off.max_interval = '2.4s'
}
