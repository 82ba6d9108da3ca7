import { denyReasons } from '../../domain/decision.ts'
import { problemSchema } from './problem.ts'

const text = (description: string) => ({ type: 'string', description }) as const
const nullableText = (description: string) => ({ type: ['string', 'null'], description }) as const
const texts = (description: string) =>
  ({ type: 'array', items: { type: 'string' }, description }) as const
const wholeNumber = (description: string) => ({ type: 'integer', description }) as const

export const reasons = [...denyReasons, 'granted'] as const

/** The token of a record. */
const tokenSchema = {
  type: ['object', 'null'],
  description: 'What the token said, never the token itself; null: none was verified.',
  required: ['alg', 'kid', 'iat', 'exp', 'organization_id', 'org_roles', 'platform_roles'],
  properties: {
    alg: { type: 'string' },
    kid: { type: ['string', 'null'] },
    iat: { type: ['number', 'null'] },
    exp: { type: 'number' },
    organization_id: { type: ['string', 'null'] },
    org_roles: texts('The claim `orgRole`.'),
    platform_roles: texts('The claim `role`; it never grants.'),
  },
} as const

/** The fact of a record. */
const factSchema = {
  type: ['object', 'null'],
  description:
    'The fact that the decision rested on; null: none was needed, or none was to be had.',
  required: ['source', 'rows', 'dynamic', 'platform_roles', 'banned', 'user', 'age_ms'],
  properties: {
    source: { type: 'string', enum: ['claims', 'memory', 'redis', 'postgres'] },
    rows: {
      type: 'array',
      items: { type: 'array', items: { type: 'string' } },
      description: 'Roles of each row of `members`; none: not a member.',
    },
    dynamic: { type: 'object', additionalProperties: texts('Permissions of a dynamic role.') },
    platform_roles: texts('Of `users.role`.'),
    banned: { type: 'boolean' },
    user: { type: 'boolean', description: 'Whether the user exists.' },
    age_ms: { type: 'number' },
  },
} as const

/** A decision as it is logged. */
export const decisionSchema = {
  title: 'Decision',
  description: 'A decision as it stands in the decision log (docs/decision-log.md).',
  type: 'object',
  additionalProperties: true,
  required: [
    ...['type', 'decision_id', 'timestamp', 'decision', 'reason', 'status', 'mode', 'policy'],
    ...['route', 'permission', 'method', 'host', 'path', 'user_id', 'organization_id', 'tenant'],
    ...['token', 'fact', 'extensions', 'request_id', 'trace_id', 'duration_us', 'worker'],
  ],
  properties: {
    type: { type: 'string', enum: ['decision'] },
    decision_id: text('UUIDv7; the client and the upstream have it as `x-authz-decision-id`.'),
    timestamp: { type: 'string', format: 'date-time' },
    decision: { type: 'string', enum: ['allow', 'deny'], description: 'What the policy said.' },
    reason: { type: 'string', enum: reasons },
    status: wholeNumber('HTTP status that the reason stands for.'),
    mode: { type: 'string', enum: ['enforce', 'shadow'] },
    policy: text('Version of the policy that made it.'),
    route: nullableText('Name of the route; null: none matched.'),
    permission: texts('What the route asks for.'),
    method: text(''),
    host: text(''),
    path: nullableText('Without its query; null: it could not be read.'),
    user_id: nullableText(''),
    organization_id: nullableText('Of the token.'),
    tenant: nullableText('The organization that the request names.'),
    token: tokenSchema,
    fact: factSchema,
    tenant_headers: {
      type: 'object',
      additionalProperties: nullableText('null: absent, or no id.'),
      description: 'The headers that name a tenant.',
    },
    extensions: {
      type: ['object', 'null'],
      additionalProperties: { type: 'string' },
      description: "The rule of Envoy's own route.",
    },
    request_id: nullableText(''),
    trace_id: nullableText(''),
    span_id: text(''),
    duration_us: { type: 'number' },
    worker: wholeNumber(''),
    share: { type: 'number', description: 'The share of allows that were logged, if not all.' },
  },
} as const

const step = {
  title: 'Step',
  description: 'A step of a check as it was taken.',
  type: 'object',
  additionalProperties: false,
  required: ['step', 'outcome', 'detail'],
  properties: {
    step: {
      type: 'string',
      enum: [
        ...['request', 'path', 'route', 'public', 'credential', 'token'],
        ...['tenant', 'subject', 'member', 'permission', 'decision'],
      ],
    },
    outcome: { type: 'string', enum: ['passed', 'refused'] },
    detail: { type: 'string' },
  },
} as const

const explained = {
  decision: { type: 'string', enum: ['allow', 'deny'] },
  reason: { type: 'string', enum: reasons },
  status: { type: 'integer' },
  route: nullableText('Name of the route; null: none matched.'),
  policy: text('Version of the policy that decided.'),
  steps: { type: 'array', items: step },
} as const

/** How a request would be decided. */
export const explanationSchema = {
  title: 'Explanation',
  description: 'A decision step by step, as `tenantgate explain` tells it.',
  type: 'object',
  additionalProperties: false,
  required: ['decision', 'reason', 'status', 'route', 'policy', 'steps'],
  properties: explained,
} as const

/** A decision and how it came about. */
export const explainedDecisionSchema = {
  title: 'ExplainedDecision',
  type: 'object',
  additionalProperties: false,
  required: ['decision', 'explanation'],
  properties: {
    decision: decisionSchema,
    explanation: {
      type: ['object', 'null'],
      description:
        'The decision made again under the policy that made it; null: that policy is not known here.',
      additionalProperties: false,
      required: ['decision', 'reason', 'status', 'route', 'policy', 'steps', 'same', 'note'],
      properties: {
        ...explained,
        same: { type: 'boolean', description: 'Whether it came out the same.' },
        note: nullableText('Why not; null where it did.'),
      },
    },
  },
} as const

/** Some decisions. */
export const decisionPageSchema = {
  title: 'DecisionPage',
  type: 'object',
  additionalProperties: false,
  required: ['decisions', 'nextCursor'],
  properties: {
    decisions: { type: 'array', items: decisionSchema },
    nextCursor: nullableText(
      'What to ask for older ones with, also where this page is not full; null: there are none.',
    ),
  },
} as const

/** The policy in force. */
export const policySchema = {
  title: 'PolicyInForce',
  type: 'object',
  additionalProperties: false,
  required: ['version', 'loaded_at', 'definition'],
  properties: {
    version: text('`sha256:` and 16 hex digits of the canonical form.'),
    loaded_at: { type: 'string', format: 'date-time' },
    definition: { type: 'object', additionalProperties: true, description: 'The canonical form.' },
  },
} as const

/** A policy that does not load. */
export const policyProblemSchema = {
  title: 'PolicyProblem',
  description: 'A problem that names every fault of a policy.',
  type: 'object',
  required: ['type', 'title', 'status', 'faults'],
  properties: {
    ...problemSchema.properties,
    faults: {
      type: 'array',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['line', 'column', 'path', 'message'],
        properties: {
          line: { type: 'integer' },
          column: { type: 'integer' },
          path: { type: 'string' },
          message: { type: 'string' },
        },
      },
    },
  },
} as const
