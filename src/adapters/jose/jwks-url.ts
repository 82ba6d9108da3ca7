import { AppError } from '../../domain/errors.ts'
import type { KeySource, PublicJwk } from '../../ports/key-source.ts'

const timeoutMs = 3_000
const maxBytes = 512 * 1024

/** Reads a JWK set (RFC 7517 section 5) from a URL, bounded in time and size, without redirects. */
export function createJwksUrl(url: string): KeySource {
  return {
    async load() {
      try {
        const response = await fetch(url, {
          headers: { accept: 'application/json' },
          redirect: 'error',
          signal: AbortSignal.timeout(timeoutMs),
        })
        if (!response.ok) throw new Error(`it answered ${response.status}`)
        return keysOf(JSON.parse(await boundedText(response)))
      } catch (cause) {
        const why = cause instanceof Error ? cause.message : 'unknown error'
        throw new AppError('KEYS_UNAVAILABLE', `the JWKS URL could not be read: ${why}`, { cause })
      }
    },
  }
}

async function boundedText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength
    if (bytes > maxBytes) throw new Error(`it is longer than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function keysOf(body: unknown): readonly PublicJwk[] {
  const keys = typeof body === 'object' && body !== null && 'keys' in body ? body.keys : undefined
  if (!Array.isArray(keys)) throw new Error('it holds no JWK set')
  return keys.filter((key): key is PublicJwk => typeof key === 'object' && key !== null)
}
