import { fileURLToPath } from 'node:url'
import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'

const definitions = loadSync('envoy/service/auth/v3/external_auth.proto', {
  includeDirs: [fileURLToPath(new URL('../../protos', import.meta.url))],
  keepCase: true,
  longs: Number,
  enums: String,
  defaults: false,
  oneofs: false,
})
const service = definitions['envoy.service.auth.v3.Authorization'] as ServiceDefinition

/** The method as proto-loader reads and writes its messages: what the codec is compared with. */
export const loadedCheck = service['Check'] as MethodDefinition<CheckRequest, CheckResponse>

/** The fields of a CheckRequest that a decision needs; each may be absent. */
export interface CheckRequest {
  readonly attributes?: {
    readonly request?: {
      readonly http?: {
        readonly method?: string
        readonly path?: string
        readonly host?: string
        readonly headers?: Readonly<Record<string, string>>
        readonly header_map?: { readonly headers?: readonly HeaderValue[] }
      }
    }
    readonly context_extensions?: Readonly<Record<string, string>>
  }
}

/** envoy.config.core.v3.HeaderValue; Envoy sends `raw_value` with `encode_raw_headers`. */
export interface HeaderValue {
  readonly key?: string
  readonly value?: string
  readonly raw_value?: Uint8Array
}

/** A header that Envoy sets, whatever the client or the upstream sent under its name. */
export interface HeaderValueOption {
  readonly header: { readonly key: string; readonly value: string }
  readonly append_action: 'OVERWRITE_IF_EXISTS_OR_ADD'
}

/** A CheckResponse as this service answers. */
export interface CheckResponse {
  readonly status: { readonly code: number }
  readonly ok_response?: {
    readonly headers: readonly HeaderValueOption[]
    readonly headers_to_remove: readonly string[]
  }
  readonly denied_response?: {
    /** envoy.type.v3.HttpStatus; the enum's numbers are the HTTP codes. */
    readonly status: { readonly code: number }
    readonly headers: readonly HeaderValueOption[]
    readonly body: string
  }
  readonly dynamic_metadata?: {
    readonly fields: Readonly<Record<string, { readonly stringValue: string }>>
  }
}
