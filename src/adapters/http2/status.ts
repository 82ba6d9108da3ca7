import { encodeFields } from './fields.ts'
import type { Rejection } from './stream.ts'

/** The codes of gRPC that this server sends. */
export const grpcStatus = {
  ok: 0,
  notFound: 5,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
} as const

const contentType = ['content-type', 'application/grpc'] as const

/** The head of an answer. */
export const answerHead = encodeFields([[':status', '200'], contentType])
/** Its trailers. */
export const okTrailers = encodeFields([['grpc-status', String(grpcStatus.ok)]])

/** An answer that is a status alone ("Trailers-Only" in gRPC over HTTP/2). */
export function statusOnly(
  code: number,
  message: string,
  more: readonly (readonly [string, string])[] = [],
): Buffer {
  return encodeFields([[':status', '200'], contentType, ...statusFields(code, message), ...more])
}

/** Trailers with a status other than 0, behind messages. */
export function statusTrailers(code: number, message: string): Buffer {
  return encodeFields(statusFields(code, message))
}

function statusFields(code: number, message: string): (readonly [string, string])[] {
  return [
    ['grpc-status', String(code)],
    ['grpc-message', encodeURI(message).replaceAll('%20', ' ')],
  ]
}

const { unimplemented, internal } = grpcStatus

/** Refusals that are always the same. */
export const refusals = {
  unknownMethod: statusOnly(unimplemented, 'unknown method'),
  noMessage: statusOnly(unimplemented, 'a unary call has one message, there was none'),
  severalMessages: statusOnly(unimplemented, 'a unary call has one message, there were more'),
  cutOff: statusOnly(internal, 'the message is cut off'),
  unknownCoding: statusOnly(unimplemented, 'messages are taken uncompressed', [
    ['grpc-accept-encoding', 'identity'],
  ]),
  /** The flag says compressed, and no coding is named (gRPC compression). */
  unnamedCoding: statusOnly(internal, 'the message is compressed, and grpc-encoding is missing'),
  unknownFlag: statusOnly(internal, 'the flag of the message is neither 0 nor 1'),
  badTimeout: statusOnly(internal, 'grpc-timeout is malformed'),
  fault: statusOnly(internal, 'internal error'),
  closing: statusTrailers(grpcStatus.unavailable, 'the server is closing'),
} as const

/** Answers to what is no gRPC; the body is for people. */
export const rejections = {
  notPost: reject('405', 'gRPC is spoken here: POST alone is allowed.\n', [['allow', 'POST']]),
  notGrpc: reject('415', 'gRPC is spoken here: the content-type is not application/grpc.\n'),
  tooLarge: reject('431', 'The header list is too large.\n'),
} as const

function reject(
  status: string,
  text: string,
  more: readonly (readonly [string, string])[] = [],
): Rejection {
  const body = Buffer.from(text)
  const head = encodeFields([
    [':status', status],
    ['content-type', 'text/plain'],
    ['content-length', String(body.length)],
    ...more,
  ])
  return { head, body }
}

/** The same for HEAD: the body stays away (RFC 9110 section 9.3.2). */
export function withoutBody({ head }: Rejection): Rejection {
  return { head, body: Buffer.alloc(0) }
}
