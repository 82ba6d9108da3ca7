import { resolve } from 'node:path'
import { readConfig } from '../../src/config.ts'

/** What a check can come in by (`TENANTGATE_GRPC_TRANSPORT`); the default first. */
export const transports = ['lean', 'grpc-js'] as const
export type Transport = (typeof transports)[number]

/** A server on that transport that allows everything. */
export const floorOf = (transport: Transport): string =>
  resolve(import.meta.dirname, `../peers/${transport}-allow-all.ts`)

/** Why this version has no such transport; undefined: it has. */
export function missing(transport: Transport): string | undefined {
  const reading = readConfig({
    DATABASE_URL: 'postgres://127.0.0.1/app',
    BETTER_AUTH_SECRET: 'x'.repeat(32),
    TENANTGATE_GRPC_TRANSPORT: transport,
  })
  return 'faults' in reading ? reading.faults.map(({ message }) => message).join('; ') : undefined
}
