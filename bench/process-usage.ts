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

/** The same of a process and all its children that are alive. */
export function familyCpuMicroseconds(pid: number): number {
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => statOf(Number(name)))
    .filter((stat) => stat?.[1] === String(pid))
  return (
    cpuMicroseconds(pid) +
    children.reduce((sum, stat) => sum + ticks(stat), 0) * microsecondsPerTick
  )
}

/** Resident memory in MiB, now and at its highest. */
export function residentMiB(pid: number): { readonly now: number; readonly peak: number } {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8')
  const read = (name: string) =>
    Number(new RegExp(`${name}:\\s+(\\d+)`).exec(text)?.[1] ?? 0) / 1024
  return { now: Math.round(read('VmRSS')), peak: Math.round(read('VmHWM')) }
}
