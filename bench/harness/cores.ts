import { execFileSync } from 'node:child_process'
import { availableParallelism } from 'node:os'

/** Which cores the servers have for themselves, and which the driver and all else share. */
export interface Cores {
  readonly server: string
  readonly rest: string
}

/**
 * Takes this process, and so all that it starts, off the servers' core. Undefined where there is one
 * core or no `taskset`: then all share what there is, and figures are worth less.
 */
export function divideCores(): Cores | undefined {
  const count = availableParallelism()
  if (count < 2) return undefined
  const cores = { server: '0', rest: count === 2 ? '1' : `1-${count - 1}` }
  try {
    execFileSync('taskset', ['-a', '-p', '-c', cores.rest, String(process.pid)], { stdio: 'pipe' })
    return cores
  } catch {
    return undefined
  }
}

/** The command that runs `command` on these cores. */
export const onCores = (
  cores: string | undefined,
  command: string,
  args: readonly string[],
): readonly [string, readonly string[]] =>
  cores === undefined ? [command, args] : ['taskset', ['-c', cores, command, ...args]]
