import { createHash } from 'node:crypto'

const text = JSON.stringify({
  sub: 'u'.repeat(32),
  roles: ['owner', 'admin', 'staff', 'viewer'],
  paths: Array.from(
    { length: 12 },
    (_, index) => `/api/v1/organizations/o${index}/leave/l${index}`,
  ),
})
const repetitions = 20_000

/**
 * CPU-µs of a fixed piece of work that looks like ours: parsing, hashing, strings and look-ups. On a
 * machine that is half as fast it takes twice as long, as everything does.
 */
export function yardstickUs(): number {
  let kept = 0
  const work = (count: number): void => {
    for (let n = 0; n < count; n += 1) {
      const parsed = JSON.parse(text) as { readonly paths: readonly string[] }
      const seen = new Map(parsed.paths.map((path, index) => [path.slice(5), index]))
      kept += createHash('sha256').update(text).digest()[0] ?? 0
      kept += seen.get('v1/organizations/o3/leave/l3') ?? 0
    }
  }
  work(repetitions / 4)
  const before = process.cpuUsage()
  work(repetitions)
  const { system, user } = process.cpuUsage(before)
  return kept < 0 ? NaN : (user + system) / repetitions
}
