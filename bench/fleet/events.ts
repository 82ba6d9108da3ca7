import { setTimeout as pause } from 'node:timers/promises'
import { until } from '../../test/support/poll.ts'
import type { Instance } from '../../test/support/instance.ts'
import type { Person } from '../../test/support/people.ts'
import { median } from '../harness/samples.ts'
import type { Fleet } from './fleet.ts'

const probeEveryMs = 4
const giveUpMs = 10_000
/** Events of strangers: what handling one costs, without anything to drop. */
const strangers = 5_000

/** From a stored event to its effect in all instances, and what each event costs them and NATS. */
export async function measureEvents(
  fleet: Fleet,
  count: number,
): Promise<{
  readonly firstRefusesP50Ms: number
  readonly allRefuseP50Ms: number
  readonly allRefuseP99Ms: number
  readonly allRefuseMaxMs: number
  readonly eventInstanceUs: number
  readonly eventNatsUs: number
}> {
  const delays: (readonly number[])[] = []
  for (const person of fleet.persons.slice(0, count)) delays.push(await revoke(fleet, person))
  const last = delays.map((each) => Math.max(...each)).toSorted((a, b) => a - b)
  const at = (share: number): number => last[Math.floor(share * last.length)] ?? NaN
  return {
    firstRefusesP50Ms: median(delays.map((each) => Math.min(...each))),
    allRefuseP50Ms: at(0.5),
    allRefuseP99Ms: at(0.99),
    allRefuseMaxMs: last.at(-1) ?? NaN,
    ...(await costOfEvents(fleet)),
  }
}

/** Ms from the event until each instance refuses for want of the permission. */
async function revoke({ bench, instances }: Fleet, person: Person): Promise<readonly number[]> {
  const { name, people, publisher } = bench.platform
  await Promise.all(instances.map((one) => one.ask(person, 'cache')))
  await people.setRole(person, 'viewer')
  const { organization: organizationId, user: userId } = person
  const publishedMs = performance.now()
  const stored = publisher.store(`${name}.member.role.changed`, { userId, organizationId })
  const delays = await Promise.all(instances.map((one) => refusal(one, person, publishedMs)))
  await stored
  return delays
}

/** An instance is asked again and again, whether it has answered or not. */
async function refusal(instance: Instance, person: Person, publishedMs: number): Promise<number> {
  let refusedMs = Infinity
  const probes: Promise<void>[] = []
  const probe = async (): Promise<void> => {
    const { ms, reason, sentMs } = await instance.ask(person, 'cache')
    if (reason === 'permission_denied') refusedMs = Math.min(refusedMs, sentMs + ms)
  }
  while (refusedMs === Infinity && performance.now() - publishedMs < giveUpMs) {
    probes.push(probe())
    await pause(probeEveryMs)
  }
  await Promise.all(probes)
  return refusedMs - publishedMs
}

async function costOfEvents({ bench, instances, usedUs }: Fleet): Promise<{
  readonly eventInstanceUs: number
  readonly eventNatsUs: number
}> {
  const { name, publisher } = bench.platform
  const subject = 'member.role.changed'
  const handled = async (): Promise<number> => {
    const all = await Promise.all(
      instances.map((one) =>
        one.metric('tenantgate_events_total', { subject, outcome: 'applied' }),
      ),
    )
    return all.reduce((sum, value) => sum + value, 0)
  }
  const [begun, before] = [await handled(), usedUs()]
  for (let n = 0; n < strangers; n += 1) {
    const event = { userId: `stranger-${n}`, organizationId: `nowhere-${n}` }
    await publisher.publish(`${name}.${subject}`, event)
  }
  const wanted = begun + strangers * instances.length
  const done = async (): Promise<boolean> => (await handled()) >= wanted
  await until(done, { what: 'all events in all instances', withinMs: 60_000 })
  const after = usedUs()
  return {
    eventInstanceUs: (after.instances - before.instances) / (strangers * instances.length),
    eventNatsUs: (after.nats - before.nats) / (strangers * instances.length),
  }
}
