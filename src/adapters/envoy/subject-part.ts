import type { Decision, Evaluation } from '../../domain/evaluation.ts'
import { decisionIdHeader, injectedHeaders, provenIdentity } from '../../domain/injected-headers.ts'
import { PreparedParts } from './prepared-parts.ts'
import { type Prepared, ProtobufWriter } from './protobuf-writer.ts'
import { writeHeader, writeMetadata, writeRemoval } from './response-fields.ts'

/** What an answer says of its subject, as bytes, and all that this depends on. */
export interface SubjectPart {
  /** Identity headers to set. */
  readonly headers: Prepared
  /** Identity headers to remove. */
  readonly removed: Prepared
  readonly metadata: Prepared
}

interface KnownPart extends SubjectPart {
  readonly policy: Evaluation['policy']
  readonly reason: Decision['reason']
  readonly subject: string | undefined
  readonly organization: string | null | undefined
  readonly tenant: string | null | undefined
  readonly mismatch: boolean | undefined
  readonly inTenant: boolean
}

/** Subjects whose part is kept at most; one takes about 500 bytes. */
const maxParts = 65_536

/**
 * Makes the part of an answer that its subject has. It is kept beside the fact it rests on, as long as
 * that is in memory: to join and escape roles costs more than all the rest of an answer.
 */
export function createSubjectParts(): (decision: Decision) => SubjectPart {
  const parts = new PreparedParts<WeakKey, KnownPart>(maxParts)
  const writer = new ProtobufWriter()

  function prepare(decision: Decision): KnownPart {
    const { identity, policy, tenancy } = decision.evaluation
    const { remove, set } = injectedHeaders(decision, '')
    return {
      policy,
      reason: decision.reason,
      subject: identity?.subject,
      organization: identity?.organization,
      tenant: tenancy?.tenant,
      mismatch: tenancy?.mismatch,
      inTenant: isInTenant(decision.evaluation),
      headers: headersOf(set),
      removed: remove.length === 0 ? '' : removalsOf(remove),
      metadata: metadataOf(decision),
    }
  }

  function headersOf(set: readonly (readonly [name: string, value: string])[]): Prepared {
    writer.reset()
    for (const [name, value] of set) {
      if (name !== decisionIdHeader) writeHeader(writer, name, value)
    }
    return writer.prepared()
  }

  function removalsOf(remove: readonly string[]): Prepared {
    writer.reset()
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
    const { fact, identity, policy } = decision.evaluation
    // Of other sources a fact is used once; a request without a token says nothing of a subject.
    const key = fact?.source === 'memory' ? fact : identity === null ? policy : undefined
    if (key === undefined) return prepare(decision)
    const known = parts.get(key)
    if (known !== undefined && holds(known, decision)) return known
    const part = prepare(decision)
    parts.set(key, part)
    return part
  }
}

/** Whether a part that was made for the same fact says the same of this decision. */
function holds(part: KnownPart, { evaluation, reason }: Decision): boolean {
  const { identity, policy, tenancy } = evaluation
  return (
    part.policy === policy &&
    part.reason === reason &&
    part.subject === identity?.subject &&
    part.organization === identity?.organization &&
    part.tenant === tenancy?.tenant &&
    part.mismatch === tenancy?.mismatch &&
    part.inTenant === isInTenant(evaluation)
  )
}

/** Whether the rules are of a tenant: else none is told to the upstream. */
function isInTenant({ guards }: Evaluation): boolean {
  for (const { access, tenant } of guards) {
    if (access === 'member' && tenant.kind !== 'none') return true
  }
  return false
}
