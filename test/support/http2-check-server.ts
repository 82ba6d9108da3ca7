import { setTimeout as pause } from 'node:timers/promises'
import { authorizationService } from '../../src/adapters/envoy/authorization-service.ts'
import type { LeanTls } from '../../src/adapters/http2/options.ts'
import { startLeanServer } from '../../src/adapters/http2/server.ts'
import type { UnaryHandler } from '../../src/ports/unary-call.ts'
import { loadedCheck } from './loaded-check.ts'

/** The lean transport with a Check that does what the path of a request says; its last segment is the user. */
export interface CheckServer {
  readonly address: string
  /** Checks that were given up by Envoy. */
  readonly cancelled: () => number
  /** Checks that came for `/never`. */
  readonly kept: () => number
  /** Checks that wait. */
  readonly waiting: () => number
  readonly faults: readonly unknown[]
  readonly setServing: (serving: boolean) => void
  readonly close: () => Promise<void>
}

const forbidden = 403
const allow = { status: { code: 0 } } as const
const deny = {
  status: { code: 7 },
  denied_response: { status: { code: forbidden }, headers: [], body: 'denied' },
} as const

export async function startCheckServer(
  options: { readonly listen?: string; readonly tls?: LeanTls } = {},
): Promise<CheckServer> {
  const { listen = '127.0.0.1:0', tls } = options
  const faults: unknown[] = []
  let cancelled = 0
  let kept = 0
  let waiting = 0

  const check: UnaryHandler = (call, bytes, start, end) => {
    const request = loadedCheck.requestDeserialize(Buffer.from(bytes.subarray(start, end)))
    const { path = '' } = request.attributes?.request?.http ?? {}
    const answer = path.startsWith('/deny')
      ? deny
      : {
          ...allow,
          ok_response: {
            headers: [
              {
                header: { key: 'x-user-id', value: path.split('/').at(-1) ?? '' },
                append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' as const,
              },
            ],
            headers_to_remove: [],
          },
        }
    const octets = loadedCheck.responseSerialize(answer)
    const reply = (): void => call.reply(octets, octets.length)
    const slowMs = Number(/^\/slow\/(\d+)/.exec(path)?.[1] ?? 0)
    if (slowMs === 0 && !path.startsWith('/never')) {
      reply()
      return
    }
    waiting += 1
    if (slowMs === 0) kept += 1
    let isWaiting = true
    const finish = (): void => {
      if (isWaiting) waiting -= 1
      isWaiting = false
      reply()
    }
    call.onCancelled = () => {
      cancelled += 1
      finish()
    }
    if (slowMs > 0) void pause(slowMs, undefined, { ref: false }).then(finish)
  }

  const server = await startLeanServer({
    listen,
    tls,
    methods: new Map([[`/${authorizationService}/Check`, check]]),
    services: [authorizationService],
    maxMessageBytes: 1024 * 1024,
    drainMs: 3_000,
    monotonicNow: () => performance.now(),
    onFault: (cause) => faults.push(cause),
  })
  server.setServing(true)
  const { address, close, setServing } = server
  return {
    address,
    close,
    setServing,
    faults,
    cancelled: () => cancelled,
    kept: () => kept,
    waiting: () => waiting,
  }
}
