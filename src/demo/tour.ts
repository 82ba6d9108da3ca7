import type { Personas } from './personas.ts'
import { scenes, type Scene } from './scenes.ts'
import { playReplay } from './replay-scene.ts'
import { playRevocation } from './revocation.ts'
import { reasonOf, send, type ScenePlayed } from './scene-player.ts'
import type { Stack } from './stack.ts'

/** Plays the tour through Envoy and compares each answer, and what the upstream saw, with it. */
export async function playTour(
  stack: Omit<Stack, 'close'>,
  onPlayed: (played: ScenePlayed) => void,
): Promise<readonly ScenePlayed[]> {
  const results: ScenePlayed[] = []
  for (const scene of scenes(stack.personas)) {
    const played = await play(scene, stack)
    onPlayed(played)
    results.push(played)
  }
  const revoked = await playRevocation(stack)
  onPlayed(revoked)
  const replayed = await playReplay(stack)
  replayed.forEach(onPlayed)
  return [...results, revoked, ...replayed]
}

async function play(
  scene: Scene,
  { envoy, personas, upstream }: Pick<Stack, 'envoy' | 'personas' | 'upstream'>,
): Promise<ScenePlayed> {
  upstream.clear()
  const token = scene.token ?? tokenOf(scene.persona, personas)
  const { status, body } = await send(envoy.url, {
    method: scene.method,
    path: scene.path,
    headers: { ...scene.headers, ...(token !== null && { authorization: `Bearer ${token}` }) },
  })
  const reason = reasonOf(body)
  const seen = upstream.requests()[0]?.headers
  const differences: string[] = []
  if (status !== scene.status) differences.push(`status ${status} instead of ${scene.status}`)
  if (scene.status !== 200) {
    if (reason !== (scene.reason ?? null)) {
      differences.push(`reason ${String(reason)} instead of ${String(scene.reason)}`)
    }
    if (seen !== undefined) differences.push('the upstream was reached')
  }
  for (const [name, value] of Object.entries(scene.upstream ?? {})) {
    const found = seen?.[name] ?? null
    if (found !== value) {
      differences.push(`upstream saw ${name}: ${String(found)} instead of ${String(value)}`)
    }
  }
  return { scene, status, reason, differences }
}

function tokenOf(name: string | null, personas: Personas): string | null {
  return personas.all.find((persona) => persona.name === name)?.token ?? null
}
