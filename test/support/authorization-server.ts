import { onTestFinished } from 'vitest'
import {
  createCheckHandler,
  type CheckHandlerDeps,
} from '../../src/adapters/envoy/check-handler.ts'
import type { AuthorizationServer } from '../../src/adapters/envoy/grpc-js-server.ts'
import { composeGrpc, type GrpcComposition } from '../../src/compose-grpc.ts'
import type { GrpcTransport } from '../../src/config-workers.ts'
import type { ObservedDecision } from '../../src/application/observe-check.ts'
import type { Policy } from '../../src/domain/policy.ts'
import type { AccessRequest } from '../../src/domain/request.ts'
import type { UnaryHandler } from '../../src/ports/unary-call.ts'
import { authorizationClient, type AuthorizationClient } from './authorization-client.ts'
import { decide, policyWith, type World } from './builders.ts'

export type ObservedCheck = CheckHandlerDeps['check']
type Options = CheckHandlerDeps & Omit<GrpcComposition, 'handler'>

/** The suites that use this are run on both transports (vitest.config.ts): one contract for both. */
const transport: GrpcTransport =
  process.env['TENANTGATE_GRPC_TRANSPORT'] === 'grpc-js' ? 'grpc-js' : 'lean'

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

const usual: Options = {
  listen: '127.0.0.1:0',
  tls: undefined,
  check: decidedIn(openPolicy),
  refuse: () => 'id-1',
  tenantHeaders: () => openPolicy.tenantHeaders,
  deadlineMs: 2_000,
  maxMessageBytes: 1024 * 1024,
  maxInFlight: 100,
  now: Date.now,
  monotonicNow: () => performance.now(),
  onFault: () => undefined,
}

/** A handler over a check that decides by `openPolicy`, unless told otherwise. */
export function handlerWith(options: Partial<CheckHandlerDeps> = {}): UnaryHandler {
  return createCheckHandler({ ...usual, ...options })
}

/** The real server over a check; port 0, so `address` names the one that was bound. */
export function startServer(options: Partial<Options> = {}): Promise<AuthorizationServer> {
  const all = { ...usual, ...options }
  return composeGrpc(transport, { ...all, handler: createCheckHandler(all) })
}

/** A server and a client of it for one test; both go when it ends. */
export async function serve(options: Partial<Options> = {}): Promise<{
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
