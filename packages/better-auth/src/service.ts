import type { ChangeEvent } from './hook-events.ts'
import { createHookPublisher } from './hook-publisher.ts'
import type { Table } from './installation.ts'
import { readNatsAddress } from './nats-address.ts'
import type { Logger, TenantgateOptions } from './options.ts'
import { openOutbox } from './outbox.ts'
import { createPublisher } from './publisher.ts'
import { createRelay } from './relay.ts'
import { createReporter, messageOf } from './reporter.ts'

/** What runs behind the plugin; nothing of it throws or waits. */
export interface Service {
  /** Something may have been recorded. */
  readonly wake: () => void
  /** Without an outbox: a change that a hook saw. */
  readonly tell: (event: ChangeEvent) => void
  readonly close: () => Promise<void>
}

export interface ServiceDeps {
  readonly logger: () => Logger
  /** Whose changes have to be recorded. */
  readonly tables: readonly Table[]
}

const nothing: Service = {
  wake: () => undefined,
  tell: () => undefined,
  close: () => Promise.resolve(),
}

/** Starts the relay, or the publisher of hooks; with options that do not do, says so and is idle. */
export function createService(options: TenantgateOptions, deps: ServiceDeps): Service {
  try {
    return start(options, deps)
  } catch (error) {
    deps.logger().error(`[tenantgate] no change is published: ${messageOf(error)}`)
    return nothing
  }
}

function start(options: TenantgateOptions, { logger, tables }: ServiceDeps): Service {
  const { nats, outbox, prefix = '', stream = false } = options
  const natsUrl = options.natsUrl ?? process.env['NATS_URL']
  if (natsUrl === undefined || natsUrl === '') throw new Error('natsUrl or NATS_URL is not set')
  const address = { ...readNatsAddress(natsUrl), ...nats }
  const reporter = createReporter(logger)
  const toNats = (onConnected: () => void) =>
    createPublisher({ address, stream, reporter, onConnected })
  if (outbox === false) {
    const hooks = createHookPublisher({ createPublisher: toNats, prefix, reporter })
    return { ...nothing, ...hooks }
  }
  const databaseUrl = options.databaseUrl ?? process.env['DATABASE_URL']
  if (databaseUrl === undefined || databaseUrl === '') {
    throw new Error('databaseUrl or DATABASE_URL is not set')
  }
  const relay = createRelay({
    openOutbox: (told) => openOutbox({ databaseUrl, ...told }),
    createPublisher: toNats,
    ...{ prefix, tables, reporter },
  })
  return { ...nothing, ...relay }
}
