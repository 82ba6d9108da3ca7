import { readFileSync, writeFileSync } from 'node:fs'
import { median } from '../harness/samples.ts'
import type { Machine } from '../harness/machine.ts'
import { documentation, formatted, readKept, writeFormatted } from './documents.ts'
import { fillSections } from './marked-sections.ts'
import { figure, markdownTable } from './markdown.ts'
import { readResults, type Results } from './performance-document.ts'
import { extrapolate, type ScalingInputs } from './scaling-arithmetic.ts'

const resultsFile = documentation('scaling.json')
const documentFile = documentation('scaling.md')

/** What `node bench/fleet.ts` measured. */
export interface FleetResult {
  readonly at: string
  readonly machine: Machine
  readonly figures: Readonly<Record<string, number>>
}

/** What each figure is called, and its unit. */
const names: Readonly<Record<string, readonly [string, string]>> = {
  instances: ['instances', ''],
  pairs: ['pairs, in use at each instance', ''],
  firstRefusesP50Ms: ['from an event to the first refusal, p50', 'ms'],
  allRefuseP50Ms: ['from an event until all instances refuse, p50', 'ms'],
  allRefuseP99Ms: ['the same, p99', 'ms'],
  allRefuseMaxMs: ['the same, longest', 'ms'],
  eventInstanceUs: ['an event: CPU of each instance', 'µs'],
  eventNatsUs: ['an event: CPU of NATS for each instance', 'µs'],
  statementsPerS: ['verification: statements of all instances', '/s'],
  pairsPerS: ['verification: pairs of all instances', '/s'],
  verifyPostgresUs: ['verification: CPU of PostgreSQL for a pair', 'µs'],
  waiting: ['pairs that wait to be verified, at the end', ''],
  idleMiB: ['memory of an instance that knows nobody', 'MiB'],
  factBytes: ['memory of a fact', 'bytes'],
  tokenBytes: ['memory of a verified token', 'bytes'],
  redisBytes: ['Redis: a key with its value', 'bytes'],
}

/** Keeps a run's result in place of the last one. */
export const keepFleet = (result: FleetResult): Promise<void> =>
  writeFormatted(resultsFile, JSON.stringify(result))

/** The document with these figures and what follows from them; what is missing says so. */
export function renderScaling(
  document: string,
  fleet: FleetResult | undefined,
  results: Results,
): Promise<string> {
  const inputs = fleet === undefined ? undefined : inputsOf(fleet, results)
  const texts = {
    fleet: fleet === undefined ? 'Not measured yet: `node bench/fleet.ts`.' : measured(fleet),
    arithmetic:
      inputs === undefined
        ? 'Not worked out yet: it needs `npm run bench` and `node bench/fleet.ts`.'
        : workedOut(inputs),
  }
  return formatted(documentFile, fillSections(document, texts))
}

/** What `node bench/fleet.ts` measured last. */
export const readFleet = (): FleetResult | undefined =>
  readKept(resultsFile) as FleetResult | undefined

/** Writes what was measured, and what follows from it, into the document. */
export async function writeScaling(): Promise<void> {
  const document = readFileSync(documentFile, 'utf8')
  writeFileSync(documentFile, await renderScaling(document, readFleet(), readResults()))
}

function measured({ at, figures, machine }: FleetResult): string {
  const rows = Object.entries(names).flatMap(([key, [name, unit]]) =>
    figures[key] === undefined ? [] : [[name, `${figure(figures[key])} ${unit}`.trim()]],
  )
  const { cores, cpu, kernel, node } = machine
  const where = `${cpu}, ${cores} cores; ${kernel}; Node ${node}; all instances and servers on them`
  return `${markdownTable(['measured', ''], rows)}\n\n_${at.slice(0, 10)}; ${where}._`
}

/** Undefined where a figure that it takes was not measured. */
function inputsOf({ figures }: FleetResult, { first, load }: Results): ScalingInputs | undefined {
  const of = (values: readonly number[] | undefined): number => median(values ?? [])
  const check = load?.samples['tenantgate, lean, log']
  const inputs = {
    checkUs: of(check?.['cpu8']),
    busyCheckUs: of(check?.['cpu64']),
    firstHsUs: of(first?.samples['tenantgate, lean, HS256']?.['cpuVerified']),
    firstEdUs: of(first?.samples['tenantgate, lean, EdDSA']?.['cpuVerified']),
    redisUs: of(first?.samples['tenantgate, lean, HS256']?.['redisUs']),
    verifyPostgresUs: figures['verifyPostgresUs'] ?? NaN,
    eventInstanceUs: figures['eventInstanceUs'] ?? NaN,
    eventNatsUs: figures['eventNatsUs'] ?? NaN,
    pairBytes: (figures['factBytes'] ?? NaN) + (figures['tokenBytes'] ?? NaN),
    redisBytes: figures['redisBytes'] ?? NaN,
  }
  return Object.values(inputs).some(Number.isNaN) ? undefined : inputs
}

const workedOut = (inputs: ScalingInputs): string =>
  markdownTable(
    ['arithmetic', 'from', ''],
    extrapolate(inputs).map(({ from, unit, value, what }) => [
      what,
      from,
      `${figure(value)} ${unit}`.trim(),
    ]),
  )
