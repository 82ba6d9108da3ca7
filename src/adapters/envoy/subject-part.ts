import type { Decision, Evaluation } from '../../domain/evaluation.ts'
import { decisionIdHeader, injectedHeaders, provenIdentity } from '../../domain/injected-headers.ts'
import { type Prepared, ProtobufWriter } from './protobuf-writer.ts'
import { keepNote, noteOf } from '../../domain/remembered-fact.ts'
import { writeHeader, writeMetadata, writeRemoval } from './response-fields.ts'

/** What an answer says of its subject, as bytes, and all that this depends on. */
export interface SubjectPart {
  /** Identity headers to set, and those to remove. */
  readonly headers: Prepared
  readonly metadata: Prepared
}

/** A part with the decision it was made for. A class, so that it is known from any other note. */
class KnownPart implements SubjectPart {
  readonly headers: Prepared
  readonly metadata: Prepared
  readonly #policy: Evaluation['policy']
  readonly #reason: Decision['reason']
  readonly #subject: string | undefined
  readonly #organization: string | null | undefined
  readonly #tenant: string | null | undefined
  readonly #mismatch: boolean | undefined
  readonly #inTenant: boolean

  constructor({ evaluation, reason }: Decision, part: SubjectPart) {
    const { identity, policy, tenancy } = evaluation
    this.headers = part.headers
    this.metadata = part.metadata
    this.#policy = policy
    this.#reason = reason
    this.#subject = identity?.subject
    this.#organization = identity?.organization
    this.#tenant = tenancy?.tenant
    this.#mismatch = tenancy?.mismatch
    this.#inTenant = isInTenant(evaluation)
  }

  /** Whether it says the same of this decision, which rests on the same fact. */
  holds({ evaluation, reason }: Decision): boolean {
    const { identity, policy, tenancy } = evaluation
    return (
      this.#policy === policy &&
      this.#reason === reason &&
      this.#subject === identity?.subject &&
      this.#organization === identity?.organization &&
      this.#tenant === tenancy?.tenant &&
      this.#mismatch === tenancy?.mismatch &&
      this.#inTenant === isInTenant(evaluation)
    )
  }
}

/**
 * Makes the part of an answer that its subject has. It is kept beside the fact it rests on, as long as
 * that is in memory: to join and escape roles costs more than all the rest of an answer.
 */
export function createSubjectParts(): (decision: Decision) => SubjectPart {
  const writer = new ProtobufWriter()

  /** Of a request without a token nothing is said of a subject: its part is the policy's. */
  let nobody: KnownPart | undefined

  function prepare(decision: Decision): KnownPart {
    const { remove, set } = injectedHeaders(decision, '')
    return new KnownPart(decision, {
      headers: headersOf(set, remove),
      metadata: metadataOf(decision),
    })
  }

  function headersOf(
    set: readonly (readonly [name: string, value: string])[],
    remove: readonly string[],
  ): Prepared {
    writer.reset()
    for (const [name, value] of set) {
      if (name !== decisionIdHeader) writeHeader(writer, name, value)
    }
    for (const name of remove) writeRemoval(writer, name)
    return writer.prepared()
  }

  function metadataOf(decision: Decision): Prepared {
    const { fact, identity, tenancy } = decision.evaluation
    const { organizationRoles } = provenIdentity(decision)
    writer.reset()
    writeMetadata(writer, 'user_id', identity?.subject)
    writeMetadata(writer, 'organization_id', tenancy?.tenant ?? identity?.organization)
    writeMetadata(writer, 'org_role', organizationRoles.join(','))
    writeMetadata(writer, 'source', fact?.source)
    return writer.prepared()
  }

  return (decision) => {
    const { fact, identity } = decision.evaluation
    if (fact === null && identity === null) {
      if (nobody?.holds(decision) !== true) nobody = prepare(decision)
      return nobody
    }
    // Of other sources a fact is used once: nothing is kept with it.
    const noted = fact === null ? undefined : noteOf(fact)
    if (noted instanceof KnownPart && noted.holds(decision)) return noted
    const part = prepare(decision)
    if (fact !== null && lengthOf(part) <= maxKept) keepNote(fact, part)
    return part
  }
}

/** The first character of each line of the processor's cache that a text covers, added up. */
function linesOf(text: Prepared): number {
  let sum = 0
  for (let at = 0; at < text.length; at += 64) sum += text.charCodeAt(at)
  return sum
}

/** Looks at what was prepared, for an answer that comes soon; gives any number of it. */
export function lookAtPart(note: unknown): number {
  if (!(note instanceof KnownPart)) return 0
  return linesOf(note.headers) + linesOf(note.metadata)
}

/**
 * Characters of a part that is kept; that of usual ids and roles has some 300. Whoever owns an organization
 * chooses how long its roles are, and memory counts the same for each fact.
 */
const maxKept = 512

function lengthOf({ headers, metadata }: SubjectPart): number {
  return headers.length + metadata.length
}

/** Whether the rules are of a tenant: else none is told to the upstream. */
function isInTenant({ guards }: Evaluation): boolean {
  for (const { access, tenant } of guards) {
    if (access === 'member' && tenant.kind !== 'none') return true
  }
  return false
}
