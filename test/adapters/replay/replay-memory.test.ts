import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
import { sha256, splitterFor } from '../../../src/adapters/replay/part-replay.ts'
import { createLineReplay } from '../../../src/application/replay-lines.ts'
import { createReplayPolicies } from '../../../src/application/replay-policies.ts'
import { policyWith } from '../../support/builders.ts'
import { decisionLine, policyLine } from '../../support/decision-lines.ts'

const routes = Array.from(
  { length: 20 },
  (_, index) =>
    `{ name: r${index}, match: "GET /r${index}/{organizationId}", permission: leave:read }`,
)
const policy = policyWith(routes)
const candidate = policyWith(routes.map((one) => one.replace('leave:read', 'leave:approve')))

function heldBytes(): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  const { arrayBuffers, external, heapUsed } = process.memoryUsage()
  return heapUsed + external + arrayBuffers
}

it('what is counted and kept of a log does not hold the bytes around it', () => {
  const policies = createReplayPolicies(sha256)
  const replay = createLineReplay({ policies, candidate, filter: {} })
  replay.line(JSON.parse(policyLine(policy)), { source: 0, at: 0 })
  const [chunks, chunkBytes] = [5 * routes.length, 512 * 1024]
  const filler = `\n"${'a'.repeat(chunkBytes)}"\n`
  const before = heldBytes()
  for (let index = 0; index < chunks; index++) {
    const splitter = splitterFor(0, { replay, onMissing: fail }, index * chunkBytes)
    const organization = `an-organization-with-a-long-name-${index}`
    const user = `a-user-with-a-long-name-${index}`
    const request = `GET /r${index % routes.length}/${organization}`
    const line = decisionLine(policy, { request, organization, user, role: 'viewer' })
    splitter.push(Buffer.from(line + filler))
    splitter.end()
  }
  const { numbers, organizations, samples, subjects } = replay.tally
  expect(numbers.allow_to_deny).toBe(chunks)
  expect([subjects.keys.size, organizations.keys.size]).toEqual([chunks, chunks])
  expect([...samples.values()].flat()).toHaveLength(chunks)
  expect(heldBytes() - before).toBeLessThan((chunks * chunkBytes) / 5)
})

function fail(version: string): never {
  throw new Error(`the policy ${version} is not known`)
}
