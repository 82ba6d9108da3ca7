import { maxDecisionCursorLength } from './admin-cursor.ts'
import {
  decisionPageSchema,
  explainedDecisionSchema,
  explanationSchema,
  policyProblemSchema,
  policySchema,
  reasons,
} from './admin-schemas.ts'
import type { RouteSchema } from './openapi.ts'
import { problemResponse } from './problem.ts'

export const admin = { tags: ['Admin'], security: [{ bearer: [] }] } as const

export const found = (description: string, schema: object) => ({
  description,
  content: { 'application/json': { schema } },
})

const retryAfter = { 'retry-after': { schema: { type: 'integer' } } } as const

/** The refusals that every admin route may give. */
export const adminRefusals = {
  400: problemResponse('The request cannot be read.'),
  401: {
    ...problemResponse('There is no valid bearer token.'),
    headers: { 'www-authenticate': { schema: { type: 'string' } } },
  },
  403: problemResponse('The user is no platform admin, does not exist, or is banned.'),
  429: { ...problemResponse('Too many requests.'), headers: retryAfter },
  503: { ...problemResponse('No answer could be had in time.'), headers: retryAfter },
} as const

/** What routes with a body may refuse besides. */
export const bodyRefusals = {
  413: problemResponse('The body is too large.'),
  415: problemResponse('The body is not JSON.'),
} as const

const shortText = (description: string) =>
  ({ type: 'string', minLength: 1, maxLength: 255, description }) as const

/** A moment; with offsets other than `Z`, and to the millisecond. */
export const moment = (description: string) =>
  ({ type: 'string', format: 'date-time', maxLength: 40, description }) as const

export const sourceSchema = {
  type: 'string',
  enum: ['memory', 'log'],
  default: 'memory',
  description:
    'Where to look: `memory`, the latest decisions of this process; `log`, the decision log where ' +
    'it is a file, with its rotated files.',
} as const

const noSuchSource = problemResponse(
  'There is no such source: the decision log is no file, or no decisions are kept.',
)

/** `GET /admin/v1/decisions` */
export const listDecisions: RouteSchema = {
  ...admin,
  operationId: 'listDecisions',
  summary: 'Decisions, newest first',
  description:
    'Each request looks at a bounded number of them, so that a page may hold few decisions, or ' +
    'none, and still name a cursor to go on with. No decision is told twice.',
  querystring: {
    type: 'object',
    additionalProperties: false,
    properties: {
      source: sourceSchema,
      decision: { type: 'string', enum: ['allow', 'deny'], description: 'What the policy said.' },
      reason: { type: 'string', enum: reasons },
      route: shortText('Name of the route.'),
      user: shortText("Id of the token's user."),
      organization: shortText("Id of the organization that was asked for, or else the token's."),
      status: { type: 'integer', minimum: 100, maximum: 599 },
      mode: { type: 'string', enum: ['enforce', 'shadow'] },
      since: moment('From this moment on.'),
      until: moment('Before this moment.'),
      limit: {
        type: 'integer',
        minimum: 1,
        maximum: 500,
        default: 50,
        description: 'Decisions a page at most.',
      },
      cursor: {
        type: 'string',
        minLength: 1,
        maxLength: maxDecisionCursorLength,
        pattern: '^[A-Za-z0-9_-]+$',
        description: '`nextCursor` of the page before; of the same process and source.',
      },
    },
  },
  response: {
    200: found('A page of decisions.', decisionPageSchema),
    409: noSuchSource,
    ...adminRefusals,
  },
}

/** `GET /admin/v1/decisions/:id` */
export const getDecision: RouteSchema = {
  ...admin,
  operationId: 'getDecision',
  summary: 'A decision and how it came about',
  params: {
    type: 'object',
    required: ['id'],
    properties: {
      id: {
        type: 'string',
        pattern: '^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$',
        description: 'The decision id, as in `x-authz-decision-id`.',
      },
    },
  },
  querystring: {
    type: 'object',
    additionalProperties: false,
    properties: { source: sourceSchema },
  },
  response: {
    200: found('The decision.', explainedDecisionSchema),
    404: problemResponse('There is no such decision, or no longer.'),
    409: noSuchSource,
    ...adminRefusals,
  },
}

/** `GET /admin/v1/policy` */
export const getPolicy: RouteSchema = {
  ...admin,
  operationId: 'getPolicy',
  summary: 'The policy in force',
  response: { 200: found('The policy.', policySchema), ...adminRefusals },
}

const textMap = (description: string) =>
  ({
    type: 'object',
    maxProperties: 100,
    additionalProperties: { type: 'string', maxLength: 16_384 },
    description,
  }) as const

const roles = (description: string) =>
  ({
    anyOf: [
      { type: 'array', maxItems: 100, items: { type: 'string' } },
      { type: 'string', maxLength: 4_096 },
    ],
    description,
  }) as const

/** A subject as policy cases state it (docs/policy.md). */
const subjectSchema = {
  title: 'Subject',
  type: 'object',
  additionalProperties: false,
  required: ['user'],
  properties: {
    user: shortText('Id of the user.'),
    organization: shortText("Id of the token's organization."),
    roles: roles('Organization roles.'),
    platformRoles: roles('Platform roles; left out: `user`.'),
    member: { type: 'boolean', description: 'Left out: with an organization, yes.' },
    banned: { type: 'boolean', description: 'Left out: no.' },
    exists: { type: 'boolean', description: 'Left out: yes.' },
    dynamicRoles: {
      type: 'object',
      maxProperties: 100,
      additionalProperties: { type: 'array', maxItems: 1_000, items: { type: 'string' } },
      description: 'Permissions of dynamic roles.',
    },
    claims: {
      type: 'object',
      maxProperties: 100,
      additionalProperties: true,
      description: 'Claims that replace or add to those that follow from the rest.',
    },
  },
} as const

/** `POST /admin/v1/explain` */
export const explainRequest: RouteSchema = {
  ...admin,
  operationId: 'explain',
  summary: 'How a request would be decided, step by step',
  description:
    'By the very evaluation of the service; nobody sends the request, and no fact is read.',
  body: {
    title: 'ExplainRequest',
    type: 'object',
    additionalProperties: false,
    required: ['request', 'as'],
    properties: {
      request: {
        type: 'string',
        maxLength: 16_384,
        pattern: '^\\S+ +\\S',
        description: 'Method and path: `POST /api/v1/leave`.',
      },
      as: { anyOf: [{ type: 'string', enum: ['anonymous'] }, subjectSchema] },
      host: shortText(''),
      headers: textMap('Request headers.'),
      extensions: textMap("The context extensions of Envoy's route."),
      policy: {
        type: 'string',
        minLength: 1,
        description: 'The text of a policy file; left out: the policy in force.',
      },
    },
  },
  response: {
    200: found('The explanation.', explanationSchema),
    422: problemResponse('The policy does not load.', policyProblemSchema),
    ...bodyRefusals,
    ...adminRefusals,
  },
}
