import type { Decision, Evaluation } from '../../domain/evaluation.ts'
import { extensionRouteName } from '../../domain/extension.ts'
import { askedPermissions } from '../../domain/record.ts'
import { PreparedParts } from './prepared-parts.ts'
import { type Prepared, ProtobufWriter } from './protobuf-writer.ts'
import { writeMetadata } from './response-fields.ts'

interface RulePart {
  readonly policy: Evaluation['policy']
  readonly reason: Decision['reason']
  readonly requirement: object | undefined
  readonly metadata: Prepared
}

/** Rules whose part is kept at most; one takes about 500 bytes. */
const maxParts = 65_536

/** Makes the metadata of an answer that its rule and its reason have, kept beside the rule. */
export function createRuleParts(): (decision: Decision) => Prepared {
  const parts = new PreparedParts<WeakKey, RulePart>(maxParts)
  const writer = new ProtobufWriter()

  function prepare(decision: Decision): Prepared {
    const { policy, settings } = decision.evaluation
    writer.reset()
    writeMetadata(writer, 'reason', decision.reason)
    writeMetadata(writer, 'route', settings?.name)
    writeMetadata(writer, 'permission', askedPermissions(decision).join(','))
    writeMetadata(writer, 'policy', policy.version)
    return writer.prepared()
  }

  return (decision) => {
    const { guards, policy, settings } = decision.evaluation
    const { reason } = decision
    // With a rule of Envoy's own route the permissions are not those of the policy's alone.
    if (guards.length > 1 || settings?.name === extensionRouteName) return prepare(decision)
    const key = settings ?? policy
    const requirement = guards[0]?.requirement
    const known = parts.get(key)
    if (
      known !== undefined &&
      known.policy === policy &&
      known.reason === reason &&
      known.requirement === requirement
    ) {
      return known.metadata
    }
    const metadata = prepare(decision)
    parts.set(key, { policy, reason, requirement, metadata })
    return metadata
  }
}
