import { request as httpRequest } from 'node:http'
import type { Scene } from './scenes.ts'

/** How one scene of the tour came out. */
export interface ScenePlayed {
  readonly scene: Scene
  readonly status: number
  readonly reason: string | null
  /** What is shown of it; else status and reason. */
  readonly outcome?: string
  /** What did not come out as told; empty: all did. */
  readonly differences: readonly string[]
}

/** The reason that a problem document of tenantgate names; null for any other body. */
export function reasonOf(body: string): string | null {
  return /"type":"urn:tenantgate:([a-z_]+)"/.exec(body)?.[1] ?? null
}

/** Sends a request with its path exactly as given; `fetch` would normalise it. */
export function send(
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
