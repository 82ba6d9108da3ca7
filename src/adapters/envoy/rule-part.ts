import type { Decision, Evaluation } from '../../domain/evaluation.ts'
import { keepRouteNote, routeNoteOf } from '../../domain/compiled-route.ts'
import { extensionRouteName } from '../../domain/extension.ts'
import { askedPermissions } from '../../domain/record.ts'
import { type Prepared, ProtobufWriter } from './protobuf-writer.ts'
import { writeMetadata } from './response-fields.ts'

/** The part with what it was made for. A class, so that it is known from any other note. */
class RulePart {
  readonly metadata: Prepared
  readonly #policy: Evaluation['policy']
  readonly #reason: Decision['reason']
  readonly #requirement: object | undefined

  constructor({ evaluation, reason }: Decision, metadata: Prepared) {
    this.metadata = metadata
    this.#policy = evaluation.policy
    this.#reason = reason
    this.#requirement = evaluation.guards[0]?.requirement
  }

  holds({ evaluation, reason }: Decision): boolean {
    return (
      this.#policy === evaluation.policy &&
      this.#reason === reason &&
      this.#requirement === evaluation.guards[0]?.requirement
    )
  }
}

/** Makes the metadata of an answer that its rule and its reason have, kept beside the rule. */
export function createRuleParts(): (decision: Decision) => Prepared {
  /** Of what no route takes. */
  let ofNone: unknown
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
    const { guards, settings } = decision.evaluation
    // With a rule of Envoy's own route the permissions are not those of the policy's alone.
    if (guards.length > 1 || settings?.name === extensionRouteName) return prepare(decision)
    const known = settings === null ? ofNone : routeNoteOf(settings)
    if (known instanceof RulePart && known.holds(decision)) return known.metadata
    const part = new RulePart(decision, prepare(decision))
    if (settings === null) ofNone = part
    else keepRouteNote(settings, part)
    return part.metadata
  }
}
