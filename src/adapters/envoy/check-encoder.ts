import type { DenyReason } from '../../domain/decision.ts'
import type { Decision } from '../../domain/evaluation.ts'
import { assertionHeader, decisionIdHeader } from '../../domain/injected-headers.ts'
import { denialParts } from './denial-part.ts'
import { fieldSize, type Prepared, ProtobufWriter } from './protobuf-writer.ts'
import * as fields from './response-fields.ts'
import { createRuleParts } from './rule-part.ts'
import { createSubjectParts } from './subject-part.ts'

/** CheckResponse.status with the code OK. */
const statusOk = '\x0a\x02\x08\x00'

/** The fields around the id of a decision, for ids of one length. */
interface IdParts {
  readonly length: number
  readonly header: Prepared
  readonly metadata: Prepared
}

/**
 * Writes CheckResponses from prepared parts into memory that is used again: an answer is
 * `bytes()[0..length)` of what the last call returned.
 */
export interface CheckEncoder {
  readonly bytes: () => Uint8Array
  /** The answer to a decision; `assertion`: null where none applies, undefined where they are off. */
  readonly answer: (decision: Decision, decisionId: string, assertion?: string | null) => number
  /** A refusal of which nothing else is known. */
  readonly denial: (reason: DenyReason, decisionId: string) => number
}

/** Makes an encoder. Ids of decisions are ASCII, and nearly always of one length. */
export function createCheckEncoder(): CheckEncoder {
  const writer = new ProtobufWriter()
  const subjectOf = createSubjectParts()
  const ruleOf = createRuleParts()
  let idParts = prepareIdParts(36)
  /** Where the id stands in the answer that is written: it is told twice. */
  let idAt = 0

  function partsOf(decisionId: string): IdParts {
    if (decisionId.length !== idParts.length) idParts = prepareIdParts(decisionId.length)
    return idParts
  }

  function pass(decision: Decision, decisionId: string, assertion?: string | null): number {
    const subject = subjectOf(decision)
    const id = partsOf(decisionId)
    const token = typeof assertion === 'string' ? fields.headerSize(assertionHeader, assertion) : 0
    const noToken = assertion === null ? fieldSize(assertionHeader.length) : 0
    const idSize = id.header.length + id.length + fields.overwrite.length
    writer.reset()
    writer.raw(statusOk)
    writer.open(fields.okTag, subject.headers.length + idSize + token + noToken)
    writer.raw(subject.headers)
    writeIdHeader(decisionId, id)
    if (typeof assertion === 'string') fields.writeHeader(writer, assertionHeader, assertion)
    if (assertion === null) fields.writeRemoval(writer, assertionHeader)
    return metadata(decision, decisionId, subject.metadata)
  }

  function writeIdHeader(decisionId: string, id: IdParts): void {
    writer.raw(id.header)
    idAt = writer.length
    writer.ascii(decisionId)
    writer.raw(fields.overwrite)
  }

  function metadata(decision: Decision, decisionId: string, ofSubject: Prepared): number {
    const id = partsOf(decisionId)
    const ofRule = ruleOf(decision)
    writer.open(
      fields.metadataTag,
      id.metadata.length + id.length + ofRule.length + ofSubject.length,
    )
    writer.raw(id.metadata)
    writer.again(idAt, id.length)
    writer.raw(ofRule)
    writer.raw(ofSubject)
    return writer.length
  }

  function denial(reason: DenyReason, decisionId: string): number {
    const part = denialParts[reason]
    const id = partsOf(decisionId)
    const body = `${part.body}${JSON.stringify(decisionId)}}`
    const idSize = id.header.length + id.length + fields.overwrite.length
    writer.reset()
    writer.raw(part.status)
    writer.open(
      fields.deniedTag,
      part.begin.length + idSize + part.end.length + fieldSize(body.length),
    )
    writer.raw(part.begin)
    writeIdHeader(decisionId, id)
    writer.raw(part.end)
    writer.open(fields.bodyTag, body.length)
    writer.ascii(body)
    return writer.length
  }

  return {
    bytes: () => writer.bytes,
    denial,
    answer(decision, decisionId, assertion) {
      if (decision.passes) return pass(decision, decisionId, assertion)
      const { reason } = decision
      // Only a grant has no denial; should one not pass, it is a bug, and bugs deny.
      denial(reason === 'granted' ? 'unavailable' : reason, decisionId)
      return metadata(decision, decisionId, subjectOf(decision).metadata)
    },
  }
}

function prepareIdParts(length: number): IdParts {
  const header = new ProtobufWriter()
  fields.openHeader(header, decisionIdHeader, length)
  const metadata = new ProtobufWriter()
  fields.openMetadata(metadata, 'decision_id', length)
  return { length, header: header.prepared(), metadata: metadata.prepared() }
}
