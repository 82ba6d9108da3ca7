import { setTimeout as pause } from 'node:timers/promises'
import { reasonOf, send, type ScenePlayed } from './scene-player.ts'
import type { Stack } from './stack.ts'

const deadlineMs = 5_000

/**
 * Takes acme's staff member its role in Better Auth, asks until Envoy refuses, and gives the role
 * back. The delay runs from the event that Better Auth's hook publishes.
 */
export async function playRevocation(
  stack: Pick<Stack, 'betterAuth' | 'envoy' | 'events' | 'personas'>,
): Promise<ScenePlayed> {
  const { betterAuth, envoy, events, personas } = stack
  const { owner, staff } = personas.acme
  const organizationId = personas.organizations.acme
  const path = `/api/v1/organizations/${organizationId}/leave/l2/approve`
  const ask = async (): Promise<{ readonly status: number; readonly reason: string | null }> => {
    const headers = { authorization: `Bearer ${staff.token}` }
    const { body, status } = await send(envoy.url, { method: 'POST', path, headers })
    return { status, reason: reasonOf(body) }
  }
  const give = (role: string) =>
    betterAuth.call('/organization/update-member-role', {
      session: owner.session,
      body: { memberId: staff.memberId, organizationId, role },
    })
  const until = async (status: number) => {
    const endMs = performance.now() + deadlineMs
    let answer = await ask()
    while (answer.status !== status && performance.now() < endMs) {
      await pause(1)
      answer = await ask()
    }
    return answer
  }

  const before = await ask()
  const changing = give('viewer')
  const { status, reason } = await until(403)
  const delayMs = performance.now() - events.publishedAtMs()
  await changing
  await give('staff')
  const after = await until(200)
  const differences = [
    ...(before.status === 200 ? [] : [`status ${before.status} before, instead of 200`]),
    ...(status === 403 ? [] : [`status ${status} instead of 403`]),
    ...(after.status === 200 ? [] : [`status ${after.status} after, instead of 200`]),
  ]
  const scene = {
    title: `a role taken away in Better Auth is gone ${Math.max(delayMs, 0).toFixed(0)} ms after its event`,
    ...{ persona: 'acme-staff', method: 'POST', path, status: 403, reason: 'permission_denied' },
  }
  return { scene, status, reason, differences }
}
