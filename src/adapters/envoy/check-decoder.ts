import type { AccessRequest } from '../../domain/request.ts'
import { AskedExtensions } from './asked-extensions.ts'
import { AskedHeaders, type Recognise } from './asked-headers.ts'
import { CheckFields } from './check-fields.ts'
import { DecodedRequest, unreadableRequest } from './decoded-request.ts'
import { MalformedMessageError, ProtobufReader } from './protobuf-reader.ts'
import { RememberedTexts } from './remembered-texts.ts'

/** Headers that are asked for under every policy: to decide, and to log or trace. */
const decidedBy = ['authorization'] as const
const toldOf = ['x-request-id', 'traceparent', 'tracestate'] as const

/** What the decoder rests on. */
export interface CheckDecoderDeps {
  /** The headers that name a tenant in the policy in force, lower case: one list a policy. */
  readonly tenantHeaders: () => readonly string[]
  /** Nobody looks at a request but to decide: what only a log or a trace asks for is left out. */
  readonly untold?: boolean
  /** Recognises credentials; absent: each is read as if it came for the first time. */
  readonly recognise?: Recognise
}

/** The request that `bytes[start..end)` describe, a CheckRequest; nothing of the bytes is kept. */
export type DecodeCheck = (bytes: Uint8Array, start: number, end: number) => AccessRequest

/**
 * Makes a decoder, which reads what a decision needs and skips the rest without looking into it. What
 * readers of protobuf disagree about (a message that is there twice, a field in another wire type, a
 * text that is no UTF-8) is refused like bytes that are no message: a request is never guessed.
 */
export function createCheckDecoder(deps: CheckDecoderDeps): DecodeCheck {
  const { recognise, tenantHeaders, untold } = deps
  const reader = new ProtobufReader()
  const texts = new RememberedTexts()
  const extensions = new AskedExtensions(texts)
  const fields = new CheckFields(reader, extensions)
  const always = untold === true ? decidedBy : [...decidedBy, ...toldOf]
  let askedFor: readonly string[] | undefined
  let headers: AskedHeaders

  /** Once a policy asks for other headers, others are looked for. */
  function askedHeaders(): AskedHeaders {
    const names = tenantHeaders()
    if (names !== askedFor) {
      headers = new AskedHeaders([...new Set([...always, ...names])])
      askedFor = names
    }
    return headers
  }

  function read(bytes: Uint8Array, start: number, end: number): AccessRequest {
    const asked = askedHeaders()
    reader.open(bytes, start)
    fields.read(asked, end)
    const recognised = recognise === undefined ? undefined : asked.recognised(reader, recognise)
    return new DecodedRequest(
      {
        method: texts.read(reader, fields.methodStart, fields.methodEnd),
        host: texts.read(reader, fields.hostStart, fields.hostEnd),
        path: reader.text(fields.pathStart, fields.pathEnd),
        recognised,
      },
      extensions.values(reader),
      asked.names,
      asked.values(reader, recognised?.text),
    )
  }

  return (bytes, start, end) => {
    try {
      return read(bytes, start, end)
    } catch (cause) {
      if (cause instanceof MalformedMessageError) return unreadableRequest
      throw cause
    }
  }
}
