import type { NodeConnectionOptions } from '@nats-io/transport-node'

/** Where messages for people go. Better Auth's own logger fits. */
export interface Logger {
  readonly info: (message: string) => void
  readonly warn: (message: string) => void
  readonly error: (message: string) => void
}

export interface TenantgateOptions {
  /**
   * PostgreSQL with the outbox of `sql/install.sql`: Better Auth's own database, as the owner or as a
   * role that may read and delete in `tenantgate.outbox`. Not through a transaction pooler, where
   * NOTIFY does not arrive. Default: `DATABASE_URL`.
   */
  readonly databaseUrl?: string | undefined
  /** `nats://user:password@host:4222`, `tls://…`, several separated by commas. Default: `NATS_URL`. */
  readonly natsUrl?: string | undefined
  /**
   * `true`: a row is deleted once a JetStream stream on its subject has stored it. `false` (default):
   * once the NATS server has it, and whoever listens then gets it.
   */
  readonly stream?: boolean | undefined
  /** Put before each subject with a dot, as `TENANTGATE_NATS_PREFIX` is. */
  readonly prefix?: string | undefined
  /** More for the connection to NATS: `authenticator`, `tls`, `inboxPrefix`. */
  readonly nats?: Omit<NodeConnectionOptions, 'servers'> | undefined
  /**
   * `false`: publish from Better Auth's hooks instead, without any trigger. What no hook sees (SQL,
   * cascades) and what a crash cuts short is then not published. Default `true`.
   */
  readonly outbox?: boolean | undefined
  /**
   * `false`: this process publishes nothing, another one does: `npx @tenantgate/better-auth relay`.
   * For serverless functions and scripts. Default `true`.
   */
  readonly relay?: boolean | undefined
  /** `true`: tokens of the jwt plugin carry `organizationId`, `orgRole` and `role`. Default `false`. */
  readonly definePayload?: boolean | undefined
  /** Default: Better Auth's logger. */
  readonly logger?: Logger | undefined
}
