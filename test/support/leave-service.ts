import { startChild } from '../../src/adapters/servers/child.ts'

/** The example service in Go, running. */
export interface LeaveService {
  /** `host:port` */
  readonly address: string
  readonly log: () => string
  /** Resolves with how it ended, in words. */
  readonly ended: Promise<string>
  readonly signal: (signal: NodeJS.Signals) => void
  readonly close: () => Promise<void>
}

/** Starts the service on a free port, with only these variables. */
export async function startLeaveService(
  path: string,
  env: Readonly<Record<string, string>>,
): Promise<LeaveService> {
  let address: string | undefined
  const child = await startChild({
    name: 'the leave service',
    command: path,
    args: [],
    env: { LISTEN: '127.0.0.1:0', ...env },
    ready(log) {
      address ??= /"msg":"listening","address":"([^"]+)"/.exec(log)?.[1]
      return address !== undefined
    },
  })
  const { ended, log, signal, stop } = child
  return { address: address ?? '', ended, log, signal, close: stop }
}
