// What has to be there before the service starts, once and again after updates: Better Auth's tables,
// the outbox of the plugin, and the stream. It runs with the rights of their owners, the service does
// not: in a container of its own.
import { jetstreamManager, type StreamConfig } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { getMigrations } from 'better-auth/db/migration'
// In a project of your own: from '@tenantgate/better-auth/sql'
import { tenantgateSql } from '../../packages/better-auth/src/sql.ts'
import { createAuth } from './auth.ts'

/** Longer than TENANTGATE_CACHE_TTL and 5 s: so far back a process that starts has to look. */
const maxAgeS = 3_600

const stream = {
  name: 'identity',
  subjects: ['member.>', 'user.>', 'organization.>'],
  max_age: maxAgeS * 1e9,
} satisfies Partial<StreamConfig>

async function makeStream(url: URL): Promise<void> {
  const nats = await connect({
    servers: url.host,
    user: decodeURIComponent(url.username),
    pass: decodeURIComponent(url.password),
    inboxPrefix: '_INBOX_admin', // as deploy/nats/nats.conf permits
  })
  try {
    const { streams } = await jetstreamManager(nats, { checkAPI: false })
    const there = await streams.info(stream.name).then(
      () => true,
      () => false,
    )
    if (there) await streams.update(stream.name, stream)
    else await streams.add(stream)
  } finally {
    await nats.close()
  }
}

const { options, pool } = createAuth(process.env)
const { runMigrations } = await getMigrations(options)
await runMigrations()
const client = await pool.connect()
try {
  await client.query('begin')
  await client.query(tenantgateSql())
  await client.query('commit')
} finally {
  client.release(true)
}
await pool.end()
const administrator = process.env['ADMINISTRATOR_NATS_URL'] ?? ''
if (administrator !== '') await makeStream(new URL(administrator))
console.log('prepared')
