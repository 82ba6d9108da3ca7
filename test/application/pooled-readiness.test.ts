import { describe, expect, it } from 'vitest'
import { pooledReadiness, type OwnReadiness } from '../../src/application/pooled-readiness.ts'
import type { ReadinessReport } from '../../src/application/readiness.ts'
import type { WorkerState } from '../../src/application/worker-talk.ts'

const own: OwnReadiness = {
  policy: { status: 'ok', detail: 'v1' },
  version: 'v1',
  begun: true,
  draining: false,
}
const worker = (
  status: ReadinessReport['status'] = 'ready',
  components: ReadinessReport['components'] = { postgres: { status: 'ok' } },
  policy = 'v1',
): WorkerState => ({ report: { status, components }, policy })

describe('the readiness of several workers', () => {
  it.each<[string, readonly (WorkerState | undefined)[], Partial<OwnReadiness>, string]>([
    ['all are', [worker(), worker()], {}, 'ready'],
    ['all are for the first time', [worker(), worker()], { begun: false }, 'ready'],
    ['one is not, at the start', [worker(), worker('not_ready')], { begun: false }, 'not_ready'],
    ['one does not answer, at the start', [worker(), undefined], { begun: false }, 'not_ready'],
    ['one is not, later', [worker(), worker('not_ready')], {}, 'degraded'],
    ['one does not answer, later', [worker(), undefined], {}, 'degraded'],
    ['one drains', [worker(), worker('draining')], {}, 'degraded'],
    ['none is', [undefined, worker('not_ready')], {}, 'not_ready'],
    ['none answers', [undefined, undefined], {}, 'not_ready'],
    ['the service leaves', [worker(), worker()], { draining: true }, 'draining'],
    [
      'the policy file is bad',
      [worker(), worker()],
      { policy: { status: 'degraded' } },
      'degraded',
    ],
    ['one has another policy', [worker(), worker('ready', {}, 'v0')], {}, 'degraded'],
    [
      'a part of one is down',
      [worker(), worker('degraded', { postgres: { status: 'down' } })],
      {},
      'degraded',
    ],
  ])('where %s', (_title, states, more, status) => {
    expect(pooledReadiness(states, { ...own, ...more }).status).toBe(status)
  })

  it('names who has what, and is as bad as the worst', () => {
    const states = [
      worker('degraded', { redis: { status: 'down', detail: 'refused' }, nats: { status: 'ok' } }),
      worker('degraded', { redis: { status: 'degraded' }, nats: { status: 'ok' } }, 'v0'),
      undefined,
    ]
    expect(pooledReadiness(states, own).components).toEqual({
      redis: { status: 'down', detail: 'worker 0: refused; worker 1' },
      nats: { status: 'ok' },
      policy: { status: 'degraded', detail: 'worker 1 has v0' },
      workers: { status: 'degraded', detail: 'worker 2 does not answer' },
    })
  })

  it('says once what all say', () => {
    const down = worker('degraded', { postgres: { status: 'down', detail: 'refused' } })
    expect(pooledReadiness([down, down], own).components['postgres']).toEqual({
      status: 'down',
      detail: 'refused',
    })
  })
})
