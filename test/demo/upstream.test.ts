import { expect, it } from 'vitest'
import { startUpstream } from '../../src/demo/upstream.ts'

it('shows and remembers what it received', async () => {
  const upstream = await startUpstream()
  const response = await fetch(`${upstream.url}/a?b=1`, {
    method: 'POST',
    headers: { 'x-user-id': 'u1' },
    body: 'text',
  })
  const expected = { method: 'POST', path: '/a?b=1', headers: { 'x-user-id': 'u1' } }
  expect(response.status).toBe(200)
  expect(await response.json()).toMatchObject(expected)
  expect(upstream.requests()).toMatchObject([expected])

  upstream.clear()
  expect(upstream.requests()).toEqual([])
  await upstream.close()
  await expect(fetch(upstream.url)).rejects.toThrow()
})
