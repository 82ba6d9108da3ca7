/**
 * What this process has computed so far, in minutes of CPU time. A fuzzer's hour is an hour of work:
 * a machine that is shared, or a pause, takes nothing from it.
 */
export function cpuMinutes(): number {
  const { system, user } = process.cpuUsage()
  return (system + user) / 60e6
}
