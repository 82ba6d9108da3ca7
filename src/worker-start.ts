import type { Config } from './config.ts'

/** What a worker starts with. */
export interface WorkerStart {
  /** The release of the supervisor: a worker of another one may read its words otherwise. */
  readonly version: string
  /** Counted from 0. */
  readonly index: number
  /** As the supervisor read it, but for where the worker listens and logs. */
  readonly config: Config
  /** The decision log takes no lines now. */
  readonly logBroken: boolean
  readonly policy: { readonly version: string; readonly text: string }
}

/** Reads what came from a supervisor; undefined: it is of another release. */
export function readWorkerStart(value: unknown, version: string): WorkerStart | undefined {
  const start = value as WorkerStart | undefined | null
  return start?.version === version ? start : undefined
}
