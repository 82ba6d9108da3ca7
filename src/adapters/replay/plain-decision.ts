import type { RecordedDecision } from '../../domain/recorded.ts'

/**
 * A decision as it is filled in, field by field. Texts of it are cut out of the bytes of many lines
 * and hold them all: whoever keeps one keeps a copy. A class, so that all are of one shape.
 */
export class PlainDecision implements RecordedDecision {
  decision_id = ''
  timestamp = ''
  reason: RecordedDecision['reason'] = 'unavailable'
  policy = ''
  route: string | null = null
  method = ''
  host = ''
  path: string | null = null
  user_id: string | null = null
  organization_id: string | null = null
  tenant: string | null = null
  token: RecordedDecision['token'] = null
  fact: RecordedDecision['fact'] = null
  tenant_headers: RecordedDecision['tenant_headers']
  extensions: RecordedDecision['extensions'] = null
  share: number | undefined
}
