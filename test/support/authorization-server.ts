import { onTestFinished } from 'vitest'
import {
  startAuthorizationServer,
  type AuthorizationServer,
  type AuthorizationServerOptions,
} from '../../src/adapters/envoy/server.ts'
import type { ObservedDecision } from '../../src/application/observe-check.ts'
import type { Policy } from '../../src/domain/policy.ts'
import type { AccessRequest } from '../../src/domain/request.ts'
import { authorizationClient, type AuthorizationClient } from './authorization-client.ts'
import { decide, policyWith, type World } from './builders.ts'

export type ObservedCheck = AuthorizationServerOptions['check']

/** Decides with the pure core, in a world that stands still. */
export function decidedIn(policy: Policy, world: World = {}): ObservedCheck {
  return async (request) => observed(policy, request, world)
}

export const observed = (
  policy: Policy,
  request: AccessRequest,
  world: World = {},
): ObservedDecision => ({ decision: decide(policy, request, world), decisionId: 'decision-1' })

/** Everybody may GET /open; the rest has no rule. */
export const openPolicy = policyWith(['{ name: open, match: GET /open, access: public }'])

/** The real server over a check; port 0, so `address` names the one that was bound. */
export function startServer(
  options: Partial<AuthorizationServerOptions> = {},
): Promise<AuthorizationServer> {
  return startAuthorizationServer({
    listen: '127.0.0.1:0',
    tls: undefined,
    check: decidedIn(openPolicy),
    refuse: () => 'id-1',
    deadlineMs: 2_000,
    maxMessageBytes: 1024 * 1024,
    maxInFlight: 100,
    now: Date.now,
    monotonicNow: () => performance.now(),
    onFault: () => undefined,
    ...options,
  })
}

/** A server and a client of it for one test; both go when it ends. */
export async function serve(options: Partial<AuthorizationServerOptions> = {}): Promise<{
  readonly server: AuthorizationServer
  readonly client: AuthorizationClient
}> {
  const server = await startServer(options)
  const client = authorizationClient(server.address)
  onTestFinished(async () => {
    client.close()
    await server.close()
  })
  return { server, client }
}
