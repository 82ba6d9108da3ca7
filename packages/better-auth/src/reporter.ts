import type { Logger } from './options.ts'

/** Tells of a state of affairs once, and again when it changes, however often it is found. */
export interface Reporter {
  readonly problem: (about: string, message: string) => void
  /** It is well again; told only where a problem was. */
  readonly well: (about: string, message: string) => void
}

export function createReporter(logger: () => Logger): Reporter {
  const problems = new Map<string, string>()
  return {
    problem(about, message) {
      if (problems.get(about) === message) return
      problems.set(about, message)
      logger().warn(`[tenantgate] ${message}`)
    },
    well(about, message) {
      if (problems.delete(about)) logger().info(`[tenantgate] ${message}`)
    },
  }
}

/** What an error says; some of Node's, as of a refused connection, say nothing by themselves. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error.message !== '') return error.message
  return 'code' in error ? String(error.code) : error.name
}
