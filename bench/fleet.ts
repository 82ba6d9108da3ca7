import { ensureWheels } from '../src/adapters/servers/wheels.ts'
import { measureEvents } from './fleet/events.ts'
import { startFleet } from './fleet/fleet.ts'
import { measureMemory } from './fleet/memory.ts'
import { measureVerification } from './fleet/verification.ts'
import { describeMachine } from './harness/machine.ts'
import { keepFleet, writeScaling } from './report/scaling-document.ts'

const usage = `node bench/fleet.ts [--instances N] [--pairs N] [--events N] [--no-write] [--render]

Runs N instances of tenantgate (8) against one PostgreSQL, one Valkey and one NATS on this machine, and
measures what grows with their number: how soon all refuse once a role is revoked, what an event, a
verified pair and a known pair cost each of them. Writes docs/scaling.json and the figures of docs/scaling.md,
with what follows from them by arithmetic.`

const args = process.argv.slice(2)
const numberOf = (name: string, fallback: number): number => {
  const at = args.indexOf(name)
  return at < 0 ? fallback : Number(args[at + 1])
}
const counts = {
  instances: numberOf('--instances', 8),
  pairs: numberOf('--pairs', 2_000),
  events: numberOf('--events', 100),
}

if (args.includes('--help') || !Object.values(counts).every((count) => count > 0)) {
  console.log(usage)
  process.exit(args.includes('--help') ? 0 : 2)
}
if (!args.includes('--render')) await measure()
if (!args.includes('--no-write')) await writeScaling()

async function measure(): Promise<void> {
  const { envoy } = await ensureWheels({})
  const machine = await describeMachine(false, envoy)
  const fleet = await startFleet(counts)
  try {
    const tell = (part: object): void => console.log(JSON.stringify(part))
    const memory = await measureMemory(fleet)
    tell(memory)
    const verification = await measureVerification(fleet)
    tell(verification)
    const events = await measureEvents(fleet, counts.events)
    tell(events)
    if (args.includes('--no-write')) return
    const figures = { ...counts, ...memory, ...verification, ...events }
    await keepFleet({ at: new Date().toISOString(), machine, figures })
  } finally {
    await fleet.close()
  }
}
