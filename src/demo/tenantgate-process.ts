import { resolve } from 'node:path'
import { startChild } from '../adapters/servers/child.ts'

/** A `tenantgate serve` of its own process, as operators run it. */
export interface TenantgateProcess {
  readonly pid: number
  /** What Envoy is told: `host:port` or `unix:/path`. */
  readonly grpcAddress: string
  /** The same of each worker, the first one's first. */
  readonly workerAddresses: readonly string[]
  readonly httpAddress: string
  /** The end of what it wrote, service log and decision log. */
  readonly log: () => string
  readonly signal: (signal: NodeJS.Signals) => void
  /** Resolves with how it ended, in words. */
  readonly ended: Promise<string>
  readonly close: () => Promise<void>
}

/** The command line's entry: `main.ts` in a checkout, `main.js` where it is installed. */
const main = resolve(import.meta.dirname, '..', `main${import.meta.filename.slice(-3)}`)

/** How to call tenantgate's command line, as this process was. */
export const commandLine: readonly [string, ...string[]] = [process.execPath, main]

/** What `serve` says once it listens. */
interface Listening {
  readonly grpc: string
  readonly http: string
  readonly workers?: readonly string[]
}

/** Starts `serve` with only these variables, and waits until both of its ports answer. */
export async function startTenantgate(
  env: Readonly<Record<string, string>>,
): Promise<TenantgateProcess> {
  let listening: Listening | undefined
  const child = await startChild({
    name: 'tenantgate',
    command: process.execPath,
    args: [main, 'serve'],
    env: {
      PATH: process.env['PATH'],
      TENANTGATE_GRPC_LISTEN: '127.0.0.1:0',
      TENANTGATE_HTTP_LISTEN: '127.0.0.1:0',
      TENANTGATE_DRAIN: '0s',
      ...env,
    },
    ready(log) {
      listening ??= log
        .split('\n')
        .filter((line) => line.includes('"msg":"listening"'))
        .map((line) => JSON.parse(line) as Listening)[0]
      return listening !== undefined
    },
  })
  return {
    pid: child.pid,
    grpcAddress: listening?.grpc ?? '',
    workerAddresses: listening?.workers ?? [listening?.grpc ?? ''],
    httpAddress: listening?.http ?? '',
    log: child.log,
    signal: child.signal,
    ended: child.ended,
    close: child.stop,
  }
}
