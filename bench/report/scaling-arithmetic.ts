/** Measured figures that the arithmetic starts from. */
export interface ScalingInputs {
  /** CPU-µs of a known subject's check with its log line, 8 and 64 in flight. */
  readonly checkUs: number
  readonly busyCheckUs: number
  /** CPU-µs of a subject's first check, its verification included, by kind of token. */
  readonly firstHsUs: number
  readonly firstEdUs: number
  /** CPU-µs of Redis for a subject's first check. */
  readonly redisUs: number
  /** CPU-µs of PostgreSQL for a pair that is verified. */
  readonly verifyPostgresUs: number
  /** CPU-µs of an event, of each instance and of NATS for each instance. */
  readonly eventInstanceUs: number
  readonly eventNatsUs: number
  /** Memory of a known pair and its token in a process, and of its key in Redis. */
  readonly pairBytes: number
  readonly redisBytes: number
}

/** A line of the arithmetic. */
export interface Worked {
  readonly what: string
  /** How it comes about, in symbols and numbers. */
  readonly from: string
  readonly value: number
  readonly unit: string
}

const checksPerS = 1_000_000
const subjects = 10_000_000
/** Half empty, so that one of two zones may fail. */
const planned = 0.5
/** Facts and tokens that a process remembers. */
const known = 65_536
/** Changes of roles a second that the whole platform makes; an import, not a working day. */
const eventsPerS = 1_000
const coresOfMachine = 8
const GB = 1e9

const cores = (perSecond: number, us: number): number => (perSecond * us) / 1e6

/** What 1,000,000 checks a second of 10,000,000 subjects take. */
export function extrapolate(inputs: ScalingInputs): readonly Worked[] {
  const { busyCheckUs, checkUs, eventInstanceUs, eventNatsUs, pairBytes, redisBytes } = inputs
  const { firstEdUs, firstHsUs, redisUs, verifyPostgresUs } = inputs
  const shown = (value: number): string => (value < 10 ? value.toFixed(1) : value.toFixed(0))
  const workers = Math.ceil(cores(checksPerS, checkUs) / planned)
  const workersToKnowAll = Math.ceil(subjects / known)
  const row = (what: string, from: string, value: number, unit = ''): Worked => ({
    ...{ what, from, value, unit },
  })
  return [
    row(
      'one worker, one core, full',
      `1 s ÷ ${shown(busyCheckUs)} µs`,
      1e6 / busyCheckUs,
      'checks/s',
    ),
    row(
      'one worker, half empty',
      `½ × 1 s ÷ ${shown(checkUs)} µs`,
      (planned * 1e6) / checkUs,
      'checks/s',
    ),
    row(
      `a machine of ${coresOfMachine} cores, half empty`,
      `${coresOfMachine} × ½ × 1 s ÷ ${shown(checkUs)} µs`,
      (coresOfMachine * planned * 1e6) / checkUs,
      'checks/s',
    ),
    row(
      '1,000,000 checks/s of known subjects',
      `10⁶ × ${shown(checkUs)} µs ÷ ½`,
      workers,
      'workers',
    ),
    row(
      'the same, if no subject were known: HS256',
      `10⁶ × ${shown(firstHsUs)} µs ÷ ½`,
      Math.ceil(cores(checksPerS, firstHsUs) / planned),
      'workers',
    ),
    row(
      'the same: EdDSA',
      `10⁶ × ${shown(firstEdUs)} µs ÷ ½`,
      Math.ceil(cores(checksPerS, firstEdUs) / planned),
      'workers',
    ),
    row(
      '10,000,000 subjects, each known to one worker',
      '10⁷ ÷ 65,536',
      workersToKnowAll,
      'workers',
    ),
    row(
      'their memory, all workers together',
      `10⁷ × ${shown(pairBytes)} bytes`,
      (subjects * pairBytes) / GB,
      'GB',
    ),
    row(
      'Redis: all facts at once',
      `10⁷ × ${shown(redisBytes)} bytes`,
      (subjects * redisBytes) / GB,
      'GB',
    ),
    row(
      'Redis: if no subject were known',
      `10⁶/s × ${shown(redisUs)} µs ÷ ½`,
      Math.ceil(cores(checksPerS, redisUs) / planned),
      'primaries',
    ),
    row(
      'PostgreSQL: if each check used a pair that is due',
      `10⁶/s × ${shown(verifyPostgresUs)} µs`,
      cores(checksPerS, verifyPostgresUs),
      'cores',
    ),
    row(
      `an import of ${eventsPerS.toLocaleString('en')} changes/s: of each worker`,
      `10³/s × ${shown(eventInstanceUs)} µs`,
      cores(eventsPerS, eventInstanceUs) * 100,
      '% of a core',
    ),
    row(
      'the same: of NATS, for all these workers',
      `10³/s × ${workersToKnowAll} × ${shown(eventNatsUs)} µs`,
      cores(eventsPerS * workersToKnowAll, eventNatsUs),
      'cores',
    ),
  ]
}
