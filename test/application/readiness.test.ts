import { expect, it } from 'vitest'
import { createReadiness } from '../../src/application/readiness.ts'

it('is ready from the first answer of PostgreSQL on, degraded while a part is not well', () => {
  let told = 0
  const readiness = createReadiness(() => (told += 1))
  const status = (): string => readiness.report().status

  expect([status(), told]).toEqual(['not_ready', 0])
  readiness.databaseFailed('refused')
  expect(readiness.report().components['postgres']).toEqual({ status: 'down', detail: 'refused' })
  readiness.databaseAnswered()
  expect([status(), told]).toEqual(['ready', 1])
  readiness.databaseFailed('refused')
  expect(status()).toBe('degraded')
  readiness.databaseAnswered()
  readiness.set('policy', { status: 'degraded' })
  expect([status(), told]).toEqual(['degraded', 1])
  readiness.drain()
  expect(status()).toBe('draining')
})
