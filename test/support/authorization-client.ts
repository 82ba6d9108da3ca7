import { fileURLToPath } from 'node:url'
import {
  type ChannelCredentials,
  Client,
  type ClientUnaryCall,
  credentials,
  type MethodDefinition,
  type ServiceDefinition,
  type ServiceError,
} from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'

/** The vendored protos, loaded apart from the code under test and with every default shown. */
const definitions = loadSync('envoy/service/auth/v3/external_auth.proto', {
  includeDirs: [fileURLToPath(new URL('../../protos', import.meta.url))],
  keepCase: true,
  longs: Number,
  defaults: true,
  oneofs: true,
})
const service = definitions['envoy.service.auth.v3.Authorization'] as ServiceDefinition
const method = service['Check'] as MethodDefinition<object, WireResponse>

interface WireHeader {
  readonly header: { readonly key: string; readonly value: string; readonly raw_value: Buffer }
  readonly append: unknown
  readonly append_action: number
}

interface WireResponse {
  readonly status: { readonly code: number; readonly message: string } | null
  readonly http_response?: 'denied_response' | 'ok_response' | 'error_response'
  readonly denied_response?: {
    readonly status: { readonly code: number } | null
    readonly headers: readonly WireHeader[]
    readonly body: string
  }
  readonly ok_response?: {
    readonly headers: readonly WireHeader[]
    readonly headers_to_remove: readonly string[]
    readonly response_headers_to_add: readonly unknown[]
    readonly query_parameters_to_set: readonly unknown[]
    readonly query_parameters_to_remove: readonly unknown[]
  }
  readonly dynamic_metadata: {
    readonly fields: Readonly<Record<string, { readonly stringValue?: string }>>
  } | null
}

/** OVERWRITE_IF_EXISTS_OR_ADD of envoy.config.core.v3.HeaderValueOption.HeaderAppendAction. */
const overwriteIfExistsOrAdd = 2

/** A CheckResponse as Envoy would understand it. */
export interface Answer {
  /** google.rpc.Code; 0 is an allow, and so is a response without a status. */
  readonly code: number
  readonly kind: 'denied_response' | 'ok_response' | 'error_response' | undefined
  readonly httpStatus: number | undefined
  /** In their order, so that one set twice shows. */
  readonly headers: readonly (readonly [string, string])[]
  /** Whether every header overwrites, and none is given as `raw_value` or with `append`. */
  readonly overwrites: boolean
  readonly remove: readonly string[]
  readonly body: unknown
  readonly metadata: Readonly<Record<string, string | undefined>>
}

/** What a CheckResponse on the wire says. */
export function answerOf(bytes: Buffer): Answer {
  const response = method.responseDeserialize(bytes)
  const { denied_response: denied, ok_response: ok } = response
  const headers = denied?.headers ?? ok?.headers ?? []
  return {
    code: response.status?.code ?? 0,
    kind: response.http_response,
    httpStatus: denied?.status?.code,
    headers: headers.map(({ header }) => [header.key, header.value]),
    overwrites: headers.every(
      ({ append, append_action: action, header }) =>
        append === null && action === overwriteIfExistsOrAdd && header.raw_value.length === 0,
    ),
    remove: ok?.headers_to_remove ?? [],
    body: denied === undefined || denied.body === '' ? undefined : JSON.parse(denied.body),
    metadata: Object.fromEntries(
      Object.entries(response.dynamic_metadata?.fields ?? {}).map(([name, value]) => [
        name,
        value.stringValue,
      ]),
    ),
  }
}

/** The bytes of a CheckRequest, given as the vendored protos name its fields. */
export const checkRequestBytes = (message: object): Buffer => method.requestSerialize(message)

/** What the bytes of a CheckRequest say to another reader. */
export const readCheckRequest = (bytes: Buffer): object => method.requestDeserialize(bytes)

/** The bytes of a CheckRequest of one HTTP request, as Envoy sends it by default. */
export const httpRequestBytes = (http: object): Buffer =>
  checkRequestBytes({ attributes: { request: { http } } })

/** How a call is made. */
export interface CallOptions {
  /** Sent as `grpc-timeout`. */
  readonly timeoutMs?: number
  readonly onCall?: (call: ClientUnaryCall) => void
}

/** A gRPC client with a connection of its own. */
export interface AuthorizationClient {
  /** Rejects with the gRPC error where the answer's gRPC status is not OK. */
  readonly check: (bytes: Buffer, options?: CallOptions) => Promise<Answer>
  readonly health: Client
  readonly close: () => void
}

export function authorizationClient(
  address: string,
  security: ChannelCredentials = credentials.createInsecure(),
): AuthorizationClient {
  const client = new Client(address, security, {
    'grpc.use_local_subchannel_pool': 1,
    // The name in test certificates; an IP address cannot be asked for.
    'grpc.ssl_target_name_override': 'localhost',
    'grpc.max_send_message_length': -1,
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 100,
    'grpc.enable_retries': 0,
  })
  const identity = (bytes: Buffer): Buffer => bytes
  return {
    check(bytes, { timeoutMs, onCall } = {}) {
      const { promise, resolve, reject } = Promise.withResolvers<Answer>()
      const call = client.makeUnaryRequest(
        method.path,
        identity,
        identity,
        bytes,
        timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs },
        (error: ServiceError | null, response?: Buffer) => {
          if (response === undefined) reject(error ?? new Error('neither error nor answer'))
          else resolve(answerOf(response))
        },
      )
      onCall?.(call)
      return promise
    },
    health: client,
    close: () => client.close(),
  }
}
