import { execFile } from 'node:child_process'
import { cpus, release, totalmem, type } from 'node:os'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** On what figures were taken; without it they mean nothing. */
export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryGiB: number
  readonly kernel: string
  readonly node: string
  /** `undefined` where the scenario has none. */
  readonly envoy?: string | undefined
  /** Whether servers had a core for themselves. */
  readonly pinned: boolean
}

/** Describes this machine; `envoy` is the path of its executable. */
export async function describeMachine(pinned: boolean, envoy?: string): Promise<Machine> {
  const version = envoy === undefined ? '' : (await run(envoy, ['--version'])).stdout
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length, // all, whatever this process was pinned to
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: `${type()} ${release()}`,
    node: process.versions.node,
    envoy: /\/(\d+\.\d+\.\d+)\//.exec(version)?.[1],
    pinned,
  }
}
