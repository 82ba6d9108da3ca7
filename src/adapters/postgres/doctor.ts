import { placeOf } from '../../application/doctor-address.ts'
import { compareClocks } from '../../application/doctor-clock.ts'
import type { Check, OpenPart, Part } from '../../application/doctor.ts'
import { ok } from '../../domain/finding.ts'
import type { Policy } from '../../domain/policy.ts'
import { readCatalogue, type Catalogue } from './doctor-catalogue.ts'
import { wantedColumns, type WantedColumn } from './doctor-columns.ts'
import { examineIndex, neededIndexes, readIndexes, serves } from './doctor-indexes.ts'
import { examinePlan } from './doctor-plans.ts'
import { examineExcess, examineReading } from './doctor-rights.ts'
import {
  examineDuplicates,
  examineDynamicRoles,
  examineMemberRoles,
  examineRowSecurity,
  examineUserRoles,
} from './doctor-rows.ts'
import { examineServer, examineSession, readServer } from './doctor-server.ts'
import { openDoctorSession, type DoctorSession } from './doctor-session.ts'
import { examineTables } from './doctor-tables.ts'
import { examineTypes } from './doctor-types.ts'
import type { Database } from './pool.ts'

/** What PostgreSQL is examined for. */
export interface PostgresDoctorDeps {
  readonly url: string
  /** The policy in force; undefined where none loads: then roles are not compared with it. */
  readonly policy: Policy | undefined
  /** Whether public keys are read from Better Auth's `jwks` table. */
  readonly keysInTable: boolean
  /** Wall clock, in ms. */
  readonly now: () => number
  /** Further checks that use the connection. */
  readonly furtherChecks?: (database: Database) => readonly Check[]
}

/** What the checks share: the catalogue is read while the part is opened. */
interface Examined {
  readonly session: DoctorSession
  readonly catalogue: Catalogue
  readonly wanted: readonly WantedColumn[]
}

/** The part of the doctor that looks at PostgreSQL. It reads, in read-only transactions. */
export function postgresPart(deps: PostgresDoctorDeps): Part {
  return {
    name: 'postgres',
    place: placeOf(deps.url),
    open: () => open(deps),
    unreachable: {
      why: 'without PostgreSQL nothing can be verified: what is not remembered is answered 503. Its other checks were not made',
      mend: 'psql "$DATABASE_URL" -c "SELECT 1"   # the same from this machine, by PostgreSQL\'s own client',
    },
  }
}

async function open(deps: PostgresDoctorDeps): Promise<OpenPart> {
  const session = await openDoctorSession(deps.url)
  try {
    const server = await readServer(session)
    const catalogue = await readCatalogue(session)
    const keyTable = ['jwks', 'jwkss'].find((name) => catalogue.tables.has(name)) ?? 'jwks'
    const dynamicRoles = deps.policy?.definition.dynamicRoles ?? false
    const wanted = wantedColumns({
      dynamicRoles,
      keyTable: deps.keysInTable ? keyTable : undefined,
    })
    return {
      findings: [
        ok('postgres.reachable', `${placeOf(deps.url)} answers, as ${catalogue.role.name}`),
        ...examineServer(server, session, deps.url),
        ...examineTables(catalogue, wanted),
        ...examineTypes(catalogue, { dynamicRoles }),
        ...examineReading(catalogue, wanted),
      ],
      checks: [
        ...checksOf(deps, { session, catalogue, wanted }),
        ...(deps.furtherChecks?.(session) ?? []),
      ],
      answers: () => session.query({ name: 'tenantgate_doctor_answers', text: 'SELECT 1' }),
      close: session.close,
    }
  } catch (cause) {
    void session.close().catch(() => undefined)
    throw cause
  }
}

function checksOf(deps: PostgresDoctorDeps, examined: Examined): readonly Check[] {
  const { session, catalogue } = examined
  // What is not there can be neither granted nor seen.
  const wanted = examined.wanted.filter(
    ({ table, column }) => catalogue.tables.get(table)?.columns.has(column) === true,
  )
  return [
    {
      name: 'postgres.session',
      doubt: 'error',
      run: async () => [await examineSession(session)],
    },
    {
      name: 'postgres.clock',
      doubt: 'error',
      run: async () => [
        await compareClocks({
          name: 'postgres.clock',
          whose: "PostgreSQL's clock",
          status: 'error',
          why: 'while they differ by more than 2 s, only facts that a process verified itself grant, and tokens end earlier or later than bans of the same time',
          read: () => readClock(session),
          now: deps.now,
        }),
      ],
    },
    { name: 'postgres.index', doubt: 'error', run: () => examineIndexes(examined) },
    {
      name: 'postgres.rights',
      doubt: 'warn',
      run: () => examineExcess(session, catalogue, wanted),
    },
    {
      name: 'postgres.row_security',
      doubt: 'warn',
      run: async () => [await examineRowSecurity(session, catalogue)],
    },
    ...rowChecks(deps, examined),
  ]
}

/** Whether the indexes are there and, where they are, used. */
async function examineIndexes({ session, catalogue }: Examined) {
  const indexes = await readIndexes(session, catalogue)
  const findings = []
  for (const needed of neededIndexes) {
    const table = catalogue.tables.get(needed.table)
    const readable = needed.columns.map((column) => table?.columns.get(column)?.readable)
    if (readable.includes(undefined)) continue // the missing table or column is told already
    findings.push(examineIndex(needed, indexes, catalogue))
    const there = indexes.some((index) => index.valid && serves(index, needed))
    // To plan a statement is to be allowed to run it.
    if (there && !readable.includes(false)) {
      findings.push(await examinePlan(session, catalogue, needed))
    }
  }
  return findings
}

/** Checks of what the rows hold; each is left out where it cannot read them, as told already. */
function rowChecks(
  { policy }: PostgresDoctorDeps,
  { session, catalogue }: Examined,
): readonly Check[] {
  const readable = (table: string, ...columns: readonly string[]): boolean =>
    columns.every((column) => catalogue.tables.get(table)?.columns.get(column)?.readable === true)
  const dynamicRoles = policy?.definition.dynamicRoles === true
  const dynamic = readable('organization_roles', 'organization_id', 'role', 'permission')
  const checks: Check[] = []
  const add = (name: string, run: () => Promise<ReturnType<typeof ok>>): void => {
    checks.push({ name, doubt: 'warn', run: async () => [await run()] })
  }
  if (readable('members', 'user_id', 'organization_id')) {
    add('postgres.duplicates', () => examineDuplicates(session))
  }
  if (policy === undefined) return checks
  if (readable('members', 'role') && (dynamic || !dynamicRoles)) {
    add('postgres.roles.members', () => examineMemberRoles(session, policy))
  }
  if (readable('users', 'role')) {
    add('postgres.roles.users', () => examineUserRoles(session, policy))
  }
  if (dynamicRoles && dynamic) {
    add('postgres.roles.organization_roles', () => examineDynamicRoles(session))
  }
  return checks
}

async function readClock(database: Database): Promise<number> {
  const [row] = await database.query<{ ms: number }>({
    name: 'tenantgate_doctor_clock',
    text: 'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS ms',
  })
  return row?.ms ?? NaN
}
