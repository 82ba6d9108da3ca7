import { homedir } from 'node:os'
import { join } from 'node:path'

/** Where built programs, generated requests and output of servers are kept between runs. */
export const cacheFolder: string =
  process.env['TENANTGATE_BENCH_CACHE'] ??
  join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'tenantgate-bench')
