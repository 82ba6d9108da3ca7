import { readdirSync, readFileSync } from 'node:fs'

const microsecondsPerTick = 10_000

/** The fields of `/proc/<pid>/stat` after the command's name; undefined: it is gone. */
function statOf(pid: number): readonly string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  } catch {
    return undefined
  }
}

const ticks = (stat: readonly string[] | undefined): number =>
  Number(stat?.[11] ?? 0) + Number(stat?.[12] ?? 0)

/** CPU time that a process has used, in µs; Linux only. */
export const cpuMicroseconds = (pid: number): number => ticks(statOf(pid)) * microsecondsPerTick

/** A process and all that descend from it, the parent first. */
export function familyOf(pid: number): readonly number[] {
  const parents = new Map<number, number>()
  for (const name of readdirSync('/proc')) {
    if (/^\d+$/.test(name)) parents.set(Number(name), Number(statOf(Number(name))?.[1] ?? 0))
  }
  const family = [pid]
  for (const parent of family) {
    for (const [child, of] of parents) if (of === parent) family.push(child)
  }
  return family
}

/** CPU time of a process and all its descendants that are alive, in µs. */
export const familyCpuMicroseconds = (pid: number): number =>
  familyOf(pid).reduce((sum, member) => sum + cpuMicroseconds(member), 0)

/** Resident memory in MiB, now and at its highest. */
export function residentMiB(pid: number): { readonly now: number; readonly peak: number } {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8')
  const read = (name: string) =>
    Number(new RegExp(`${name}:\\s+(\\d+)`).exec(text)?.[1] ?? 0) / 1024
  return { now: Math.round(read('VmRSS')), peak: Math.round(read('VmHWM')) }
}
