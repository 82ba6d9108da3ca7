import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

/** Short, so that a process that has used its share waits for milliseconds only. */
const periodUs = 10_000
const v1 = '/sys/fs/cgroup/cpu'
const v2 = '/sys/fs/cgroup'

/** Takes the limit away again. */
export type Release = () => Promise<void>

/**
 * Holds processes to a share of one core, each in a group of its own, so that a driver on the same
 * machine can ask for more than they can do. Undefined where this user may not, or not on Linux.
 */
export function holdToShare(pids: readonly number[], share: number): Release | undefined {
  const folders: string[] = []
  const release: Release = async () => {
    for (const folder of folders) await remove(folder)
  }
  try {
    for (const pid of pids) {
      const isV1 = existsSync(join(v1, 'cpu.cfs_quota_us'))
      const folder = join(isV1 ? v1 : v2, `tenantgate-bench-${pid}`)
      mkdirSync(folder)
      folders.push(folder)
      const quotaUs = Math.round(periodUs * share)
      if (isV1) {
        writeFileSync(join(folder, 'cpu.cfs_period_us'), String(periodUs))
        writeFileSync(join(folder, 'cpu.cfs_quota_us'), String(quotaUs))
      } else writeFileSync(join(folder, 'cpu.max'), `${quotaUs} ${periodUs}`)
      writeFileSync(join(folder, 'cgroup.procs'), String(pid))
    }
    return release
  } catch {
    void release()
    return undefined
  }
}

/** A group can be removed once its process is gone. */
async function remove(folder: string): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    try {
      rmdirSync(folder)
      return
    } catch {
      await pause(50)
    }
  }
}
