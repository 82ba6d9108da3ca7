import { createJwksRoute } from './adapters/http/jwks-route.ts'
import type { HttpRoutes } from './adapters/http/server.ts'
import { createAssertionSigner } from './adapters/jose/assertion-signer.ts'
import { createBoundedMap } from './adapters/lru/bounded-map.ts'
import { createAssertions, type Assert } from './application/assertions.ts'
import type { AssertionConfig } from './config-assertion.ts'

/** Assertions that are remembered at most: subjects that are active within half a minute. */
const limits = { maxEntries: 50_000, maxBytes: 64 * 1024 * 1024 }

/** Identity assertions, and the route that publishes what verifies them. */
export interface ComposedAssertions {
  readonly assert: Assert
  readonly routes: HttpRoutes
}

/** Puts identity assertions together, where they are switched on. */
export function composeAssertions(
  config: AssertionConfig | undefined,
  now: () => number,
  onFault: (cause: unknown) => void,
): ComposedAssertions | undefined {
  if (config === undefined) return undefined
  const signer = createAssertionSigner(config)
  const { audience } = config
  return {
    assert: createAssertions({
      ...{ signer, audience, now, onFault, ...limits },
      createMap: createBoundedMap,
    }),
    routes: createJwksRoute(() => signer.published(now())),
  }
}
