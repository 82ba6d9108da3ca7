import { denyReasons, statusOf, titleOf, type DenyReason } from '../../domain/decision.ts'
import { type Prepared, ProtobufWriter } from './protobuf-writer.ts'
import { writeHeader } from './response-fields.ts'

/** google.rpc.Code by HTTP status. Any code but OK denies; these are only for people to read. */
const rpcCodes: Readonly<Record<number, number>> = { 400: 3, 401: 16, 403: 7, 503: 14 }
const permissionDenied = 7

/** What a refusal answers, but for the id of the decision. */
export interface DenialPart {
  /** CheckResponse.status. */
  readonly status: Prepared
  /** The beginning of DeniedHttpResponse: its status, and headers that come before the id. */
  readonly begin: Prepared
  /** Headers that come after the id. */
  readonly end: Prepared
  /** The problem document (RFC 9457) up to the id; it names nothing of the policy or the subject. */
  readonly body: string
}

/** The parts of all refusals. */
export const denialParts = Object.fromEntries(
  denyReasons.map((reason) => [reason, denialPart(reason)]),
) as Readonly<Record<DenyReason, DenialPart>>

function denialPart(reason: DenyReason): DenialPart {
  const status = statusOf(reason)
  const headers = new ProtobufWriter()
  if (status === 401) writeHeader(headers, 'www-authenticate', 'Bearer') // RFC 6750 section 3
  if (status === 503) writeHeader(headers, 'retry-after', '1')
  const begin = new ProtobufWriter()
  // envoy.type.v3.HttpStatus; the enum's numbers are the HTTP codes.
  begin.raw(String.fromCharCode(0x0a, 3, 0x08, (status & 0x7f) | 0x80, status >>> 7))
  writeHeader(begin, 'content-type', 'application/problem+json')
  const document = { type: `urn:tenantgate:${reason}`, title: titleOf(reason), status }
  return {
    status: String.fromCharCode(0x0a, 2, 0x08, rpcCodes[status] ?? permissionDenied),
    begin: begin.prepared(),
    end: headers.prepared(),
    body: `${JSON.stringify(document).slice(0, -1)},"decision_id":`,
  }
}
