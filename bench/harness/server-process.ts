import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { forgetAtExit, killAtExit } from '../../src/adapters/servers/reaper.ts'
import { familyOf } from '../process-usage.ts'
import { cacheFolder } from './cache-folder.ts'
import { onCores } from './cores.ts'

const killAfterMs = 5_000

/** A server that is measured. */
export interface ServerProcess {
  /** It and its children, as they are now. */
  readonly pids: () => readonly number[]
  /** The end of what it wrote. */
  readonly output: () => string
  readonly stop: () => Promise<void>
}

export interface ServerCommand {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Cores it may use; undefined: all. */
  readonly cores: string | undefined
}

/**
 * Starts a server whose output goes to a file, as a supervisor would have it: what it costs to write
 * a log belongs to the server, and nobody else is kept busy with reading it.
 */
export function startServer(order: ServerCommand): ServerProcess {
  const folder = join(cacheFolder, 'output')
  mkdirSync(folder, { recursive: true })
  const file = join(folder, `${order.name.replaceAll(/[^a-z0-9]+/gi, '-')}.log`)
  const output = openSync(file, 'w')
  const [command, args] = onCores(order.cores, order.command, order.args)
  const child = spawn(command, args, {
    env: { PATH: process.env['PATH'], ...order.env },
    stdio: ['ignore', output, output],
    detached: true, // a Ctrl-C is for us, who stop servers in order
  })
  closeSync(output)
  const { pid } = child
  if (pid === undefined) throw new Error(`${command} cannot be started`)
  killAtExit(pid)
  const closed = once(child, 'close')
  return {
    pids: () => familyOf(pid),
    output: () => readFileSync(file, 'utf8').slice(-4_096),
    async stop() {
      child.kill()
      const timer = setTimeout(() => child.kill('SIGKILL'), killAfterMs)
      await closed
      clearTimeout(timer)
      forgetAtExit(pid)
      rmSync(file, { force: true }) // of a run with its log on: gigabytes
    },
  }
}
