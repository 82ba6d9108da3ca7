import type { AuthContext, BetterAuthPlugin } from 'better-auth'
import { createAuthMiddleware, getSessionFromCtx } from 'better-auth/api'
import { defineClaims } from './claims.ts'
import { eventOfUser, eventsOfRequest } from './hook-events.ts'
import type { Table } from './installation.ts'
import type { Logger, TenantgateOptions } from './options.ts'
import { messageOf } from './reporter.ts'
import { createService, type Service } from './service.ts'

/** The plugin, and the handle of what runs behind it. */
export interface TenantgatePlugin {
  readonly id: 'tenantgate'
  readonly init: NonNullable<BetterAuthPlugin['init']>
  readonly hooks: NonNullable<BetterAuthPlugin['hooks']>
  /** Connects now instead of on the first request; returns at once. */
  readonly start: () => void
  /** Ends all connections; what was not published stays in the outbox. */
  readonly close: () => Promise<void>
}

/**
 * Publishes to NATS what changes in Better Auth: roles, memberships, bans, users, organizations.
 * Connects on the first request, in the background, and never fails or delays one.
 */
export function tenantgate(options: TenantgateOptions = {}): TenantgatePlugin {
  let logger: Logger = options.logger ?? console
  let tables: readonly Table[] = ['user', 'member', 'organization']
  let service: Service | undefined
  let closed = false
  const hooksOnly = options.outbox === false

  function start(): Service | undefined {
    if (options.relay === false || closed) return undefined
    service ??= createService(options, { logger: () => logger, tables })
    return service
  }

  return {
    id: 'tenantgate',
    init(context: AuthContext) {
      if (options.logger === undefined) logger = context.logger
      tables = tablesOf(context)
      if (options.definePayload === true) defineClaims(context)
      if (!hooksOnly) return undefined
      const told = (user: { id: string }, request?: { readonly path?: string } | null) => {
        start()?.tell(eventOfUser(user, request?.path))
        return Promise.resolve()
      }
      const deleted = ({ id }: { id: string }) => {
        start()?.tell({ subject: 'user.deleted', body: { userId: id } })
        return Promise.resolve()
      }
      return {
        options: {
          databaseHooks: { user: { update: { after: told }, delete: { after: deleted } } },
        },
      }
    },
    hooks: {
      before: [
        {
          matcher() {
            start()
            return false
          },
          handler: createAuthMiddleware(() => Promise.resolve()),
        },
      ],
      after: [
        {
          matcher: ({ path, request }) => request?.method !== 'GET' && path !== '/get-session',
          handler: createAuthMiddleware((request) => {
            if (hooksOnly) void tellOf(request)
            else start()?.wake()
            return Promise.resolve()
          }),
        },
      ],
    },
    start: () => void start(),
    async close() {
      closed = true
      await service?.close()
    },
  }

  /** Never rejects, and nobody waits for it. */
  async function tellOf(request: HookRequest): Promise<void> {
    try {
      const { operationId } = request as { readonly operationId?: string }
      const { returned } = request.context as { readonly returned?: unknown }
      const events = await eventsOfRequest({
        ...{ path: request.path, operationId, body: request.body as unknown, returned },
        activeOrganization: () => activeOrganization(request),
      })
      for (const event of events) start()?.tell(event)
    } catch (error) {
      logger.error(`[tenantgate] a change was not published: ${messageOf(error)}`)
    }
  }
}

type HookRequest = Parameters<typeof getSessionFromCtx>[0]

async function activeOrganization(request: HookRequest): Promise<unknown> {
  const found = await getSessionFromCtx(request)
  const session: Readonly<Record<string, unknown>> | undefined = found?.session
  return session?.['activeOrganizationId']
}

/** The tables whose changes matter, going by the plugins that are there. */
function tablesOf({ options }: AuthContext): readonly Table[] {
  const organization = options.plugins?.find(({ id }) => id === 'organization')
  if (organization === undefined) return ['user']
  const { dynamicAccessControl } = (organization.options ?? {}) as {
    readonly dynamicAccessControl?: { readonly enabled?: boolean }
  }
  const dynamic = dynamicAccessControl?.enabled === true
  return ['user', 'member', 'organization', ...(dynamic ? (['organizationRole'] as const) : [])]
}
