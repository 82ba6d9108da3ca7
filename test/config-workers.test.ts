import { expect, it } from 'vitest'
import { workerEndpoints } from '../src/commands/envoy-endpoints.ts'
import { workerListen } from '../src/config-workers.ts'

it.each([
  ['0.0.0.0:9191', ['0.0.0.0:9191', '0.0.0.0:9192', '0.0.0.0:9193']],
  ['[::1]:9191', ['[::1]:9191', '[::1]:9192', '[::1]:9193']],
  ['127.0.0.1:0', ['127.0.0.1:0', '127.0.0.1:0', '127.0.0.1:0']],
  [
    'unix:/run/gate.sock',
    ['unix:/run/gate.sock', 'unix:/run/gate.sock.1', 'unix:/run/gate.sock.2'],
  ],
])('workers of %s listen side by side', (listen, expected) => {
  expect([0, 1, 2].map((index) => workerListen(listen, index))).toEqual(expected)
})

it.each(['127.0.0.1:9191', 'unix:/run/gate.sock'])('Envoy is told the same of %s', (listen) => {
  const env = { TENANTGATE_WORKERS: '3', TENANTGATE_GRPC_LISTEN: listen }
  const told = workerEndpoints(env).map((one) =>
    'path' in one ? `unix:${one.path}` : `${one.host}:${one.port}`,
  )
  expect(told).toEqual([0, 1, 2].map((index) => workerListen(listen, index)))
})
