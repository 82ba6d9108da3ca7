import { expect, it, onTestFinished } from 'vitest'
import { redisFault } from '../../../src/adapters/redis/client.ts'
import { startValkey } from '../../../src/adapters/servers/valkey.ts'
import { ensureWheels } from '../../../src/adapters/servers/wheels.ts'
import { until } from '../../support/poll.ts'
import { startFactCache } from './open-fact-cache.ts'

it('a fault does not repeat what a server says it was sent', () => {
  const said = "ERR unknown command 'auth', with args beginning with: 'default' 'hunter2' "
  expect(redisFault(new Error(said)).message).toBe("Redis: ERR unknown command 'auth'")
  expect(redisFault(new Error('WRONGPASS no such user')).message).toBe(
    'Redis: WRONGPASS no such user',
  )
})

it('a real server that knows no AUTH never gets the password into a fault', async () => {
  const server = await startValkey({
    binaries: await ensureWheels(),
    args: ['--rename-command', 'AUTH', ''],
  })
  const cache = startFactCache(server.url.replace('redis://', 'redis://:hunter2-the-password@'))
  onTestFinished(async () => {
    await cache.close()
    await server.close()
  })
  await until(() => cache.faults.length > 0, { what: 'a fault' })
  expect(cache.faults.map(String).join()).toContain('unknown command')
  expect(cache.faults.map(String).join()).not.toContain('hunter2')
})
