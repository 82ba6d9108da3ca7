import { request as httpRequest } from 'node:http'
import type { Personas } from './personas.ts'
import { scenes, type Scene } from './scenes.ts'
import type { Stack } from './stack.ts'

/** How one scene of the tour came out. */
export interface ScenePlayed {
  readonly scene: Scene
  readonly status: number
  readonly reason: string | null
  /** What did not come out as told; empty: all did. */
  readonly differences: readonly string[]
}

/** Plays the tour through Envoy and compares each answer, and what the upstream saw, with it. */
export async function playTour(
  stack: Pick<Stack, 'envoy' | 'personas' | 'upstream'>,
  onPlayed: (played: ScenePlayed) => void,
): Promise<readonly ScenePlayed[]> {
  const results: ScenePlayed[] = []
  for (const scene of scenes(stack.personas)) {
    const played = await play(scene, stack)
    onPlayed(played)
    results.push(played)
  }
  return results
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

/** The reason that a problem document of tenantgate names; null for any other body. */
function reasonOf(body: string): string | null {
  return /"type":"urn:tenantgate:([a-z_]+)"/.exec(body)?.[1] ?? null
}

/** Sends a request with its path exactly as given; `fetch` would normalise it. */
function send(
  url: string,
  options: {
    readonly method: string
    readonly path: string
    readonly headers: Readonly<Record<string, string>>
  },
): Promise<{ readonly status: number; readonly body: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: string }>()
  const request = httpRequest(url, { ...options, agent: false }, (response) => {
    let body = ''
    response.setEncoding('utf8')
    response.on('data', (text: string) => (body += text))
    response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
    response.on('error', reject)
  })
  request.on('error', reject)
  request.end()
  return promise
}
