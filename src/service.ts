import type { LoadPolicy } from './application/load-policy.ts'
import type { CheckDatabase } from './compose-database.ts'
import type { Policy } from './domain/policy.ts'

/** What the service tells its operator. */
export interface ServiceLog {
  readonly info: (fields: object, message: string) => void
  readonly warn: (fields: object, message: string) => void
  readonly error: (fields: object, message: string) => void
}

/** A running service. */
export interface Service {
  readonly grpcAddress: string
  readonly httpAddress: string
  /** Goes on in a new decision log file, where the old one was moved away. */
  readonly reopenLog: () => void
  /** Says NOT_SERVING and not ready; checks are still answered. */
  readonly drain: () => void
  /** Finishes what is under way and closes everything, the last opened first. */
  readonly close: () => Promise<void>
}

/** What the service is given beside its configuration. */
export interface ServiceDeps {
  readonly policy: Policy
  /** The text that the policy was loaded from; the file is followed from there. */
  readonly policyText: string
  readonly loadPolicy: LoadPolicy
  readonly log: ServiceLog
  /** Undefined: it is opened with the service. */
  readonly checkDatabase?: CheckDatabase
}
