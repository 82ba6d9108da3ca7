import { admin, adminRefusals, bodyRefusals, moment, sourceSchema } from './admin-route-schemas.ts'
import { policyProblemSchema, reasons } from './admin-schemas.ts'
import type { RouteSchema } from './openapi.ts'
import { problemResponse } from './problem.ts'

const count = (description: string) => ({ type: 'integer', minimum: 0, description }) as const
const counts = (description: string) =>
  ({ type: 'object', additionalProperties: count(''), description }) as const

/** Flips are counted by route, organization, role and subject alike. */
const flips = {
  title: 'Flips',
  type: 'object',
  additionalProperties: false,
  required: ['allow_to_deny', 'deny_to_allow'],
  properties: { allow_to_deny: count(''), deny_to_allow: count('') },
} as const
const flipsBy = (what: string) =>
  ({ type: 'object', additionalProperties: flips, description: `By ${what}.` }) as const

const enforcement = {
  newly_enforced: count('Refusals that passed in shadow mode and no longer do.'),
  newly_lifted: count('Refusals that begin to pass, in shadow mode.'),
} as const

const decided = {
  type: 'object',
  additionalProperties: false,
  required: ['decision', 'reason'],
  properties: {
    decision: { type: 'string', enum: ['allow', 'deny'] },
    reason: { type: 'string', enum: reasons },
  },
} as const

const nullableText = { type: ['string', 'null'] } as const

const sample = {
  title: 'ReplaySample',
  type: 'object',
  additionalProperties: false,
  required: [
    ...['change', 'decision_id', 'timestamp', 'route', 'method', 'host', 'path', 'user_id'],
    ...['organization_id', 'recorded', 'replayed'],
  ],
  properties: {
    change: {
      type: 'string',
      enum: ['allow_to_deny', 'deny_to_allow', 'newly_enforced', 'newly_lifted', 'reason'],
    },
    decision_id: { type: 'string' },
    timestamp: { type: 'string' },
    route: nullableText,
    method: { type: 'string' },
    host: { type: 'string' },
    path: nullableText,
    user_id: nullableText,
    organization_id: nullableText,
    recorded: decided,
    replayed: decided,
  },
} as const

const groups = {
  routes: flips,
  organizations: flips,
  roles: flips,
  platform_roles: flips,
  subjects: flips,
} as const

/** The result of a replay, as the command prints it. */
const reportSchema = {
  title: 'ReplayReport',
  description: 'As `tenantgate replay --format json` prints it (docs/replay.md).',
  type: 'object',
  additionalProperties: false,
  required: [
    ...['decisions', 'same', 'different', 'kept', 'undetermined', 'skipped', 'flips', 'routes'],
    ...['organizations', 'roles', 'platform_roles', 'subjects', 'others', 'samples'],
    ...['enforcement', 'other_reason', 'undetermined_by', 'skipped_by', 'filtered', 'estimated'],
    ...['policies', 'incomplete'],
  ],
  properties: {
    decisions: count('What was replayed.'),
    same: count(''),
    different: count('Other decision, other outcome, or only another reason.'),
    kept: count('As recorded: `bad_request` and `unavailable`.'),
    undetermined: count('What the record cannot tell.'),
    skipped: count('Lines that were not replayed.'),
    flips,
    routes: flipsBy('route'),
    organizations: flipsBy('organization'),
    roles: flipsBy('organization role'),
    platform_roles: flipsBy('platform role'),
    subjects: flipsBy('user'),
    others: {
      type: 'object',
      additionalProperties: false,
      required: Object.keys(groups),
      properties: groups,
      description: 'What is not in these five: keys beyond the first thousand, together.',
    },
    samples: { type: 'array', items: sample },
    enforcement: {
      type: 'object',
      additionalProperties: false,
      required: ['newly_enforced', 'newly_lifted', 'routes'],
      properties: {
        ...enforcement,
        routes: {
          type: 'object',
          additionalProperties: {
            type: 'object',
            additionalProperties: false,
            required: ['newly_enforced', 'newly_lifted'],
            properties: enforcement,
          },
        },
      },
    },
    other_reason: count('Only the reason is another.'),
    undetermined_by: counts('By what the record lacks.'),
    skipped_by: {
      type: 'object',
      additionalProperties: false,
      required: ['other', 'broken', 'without_policy'],
      properties: {
        other: count('Lines of other kinds.'),
        broken: count('Lines that cannot be read.'),
        without_policy: counts('Decisions by the version of a policy that is nowhere.'),
      },
    },
    filtered: count('Decisions that were not asked for.'),
    estimated: {
      type: 'object',
      additionalProperties: false,
      required: ['decisions', 'same', 'undetermined', 'flips'],
      properties: { decisions: count(''), same: count(''), undetermined: count(''), flips },
      description: 'The same with the allows that were not logged.',
    },
    policies: counts('Decisions by the version of the policy that made them.'),
    incomplete: {
      type: 'array',
      description: 'Logs that could not be read to their end: never any here.',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['file', 'message'],
        properties: { file: { type: 'string' }, message: { type: 'string' } },
      },
    },
  },
} as const

const name = (description: string) =>
  ({ type: 'string', minLength: 1, maxLength: 255, description }) as const

/** A line of the stream. */
const messageSchema = {
  title: 'ReplayMessage',
  description: 'A line: `progress`, more of them, and last the `report`, or `failed`.',
  oneOf: [
    {
      type: 'object',
      additionalProperties: false,
      required: ['type', 'bytes', 'of'],
      properties: {
        type: { type: 'string', enum: ['progress'] },
        bytes: count('Bytes that were read.'),
        of: { type: ['integer', 'null'], description: 'Of so many; null: that is not known.' },
      },
    },
    {
      type: 'object',
      additionalProperties: false,
      required: ['type', 'report'],
      properties: { type: { type: 'string', enum: ['report'] }, report: reportSchema },
    },
    {
      type: 'object',
      additionalProperties: false,
      required: ['type', 'title'],
      properties: { type: { type: 'string', enum: ['failed'] }, title: { type: 'string' } },
    },
  ],
} as const

/** `POST /admin/v1/replay` */
export const replayRequest: RouteSchema = {
  ...admin,
  operationId: 'replay',
  summary: 'Decides recorded requests again, and tells what flips',
  description:
    'On recorded facts, on a thread of its own, one at a time and for a minute at most. With ' +
    '`accept: application/x-ndjson` the progress is told on the way.',
  body: {
    title: 'ReplayRequest',
    type: 'object',
    additionalProperties: false,
    properties: {
      policy: {
        type: 'string',
        minLength: 1,
        description: "Text of the candidate; left out: each decision's own policy.",
      },
      source: sourceSchema,
      since: moment('From this moment on.'),
      until: moment('Before this moment.'),
      route: name('Name of the recorded route.'),
      organization: name("Id of the organization that was asked for, or else the token's."),
    },
  },
  response: {
    200: {
      description: 'The report.',
      content: {
        'application/json': { schema: reportSchema },
        'application/x-ndjson': { schema: messageSchema },
      },
    },
    409: problemResponse('There is no such source of decisions.'),
    422: problemResponse('The candidate does not load.', policyProblemSchema),
    ...bodyRefusals,
    ...adminRefusals,
  },
}
