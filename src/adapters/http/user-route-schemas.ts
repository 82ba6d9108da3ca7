import { maxCursorLength } from './cursor.ts'
import type { RouteSchema } from './openapi.ts'
import { problemResponse } from './problem.ts'
import { idSchema, refusals, userPageSchema, userSchema } from './user-schemas.ts'

const common = { tags: ['Users'], security: [{ bearer: [] }] } as const
const visibility =
  'A subject sees itself and the members of organizations it belongs to; the platform roles admin ' +
  'and superadmin see all.'

const found = (description: string, schema: object) => ({
  description,
  content: { 'application/json': { schema } },
})

/** `GET /api/v1/users/:id` */
export const byId: RouteSchema = {
  ...common,
  operationId: 'getUser',
  summary: 'A user by id',
  description: visibility,
  params: { type: 'object', required: ['id'], properties: { id: idSchema('Id of the user.') } },
  response: { 200: found('The user.', userSchema), ...refusals },
}

/** `GET /api/v1/users/email/:email` */
export const byEmail: RouteSchema = {
  ...common,
  operationId: 'getUserByEmail',
  summary: 'A user by email address',
  description: visibility,
  params: {
    type: 'object',
    required: ['email'],
    properties: {
      email: {
        type: 'string',
        minLength: 1,
        maxLength: 320,
        description: 'The whole address; case plays no part.',
      },
    },
  },
  response: { 200: found('The user.', userSchema), ...refusals },
}

/** `GET /api/v1/organizations/:organizationId/users` */
export const ofOrganization: RouteSchema = {
  ...common,
  operationId: 'listOrganizationUsers',
  summary: 'The users of an organization',
  description:
    'Each once, with the membership of that organization; open to its members and to the platform ' +
    'roles admin and superadmin. Nobody who stays is skipped or told twice while others come and go.',
  params: {
    type: 'object',
    required: ['organizationId'],
    properties: { organizationId: idSchema('Id of the organization.') },
  },
  querystring: {
    type: 'object',
    properties: {
      limit: {
        type: 'integer',
        minimum: 1,
        maximum: 200,
        default: 50,
        description: 'Users a page at most.',
      },
      cursor: {
        type: 'string',
        minLength: 1,
        maxLength: maxCursorLength,
        pattern: '^[A-Za-z0-9_-]+$',
        description: '`nextCursor` of the page before.',
      },
    },
  },
  response: {
    200: found('A page of users.', userPageSchema),
    400: problemResponse('The limit or the cursor cannot be read.'),
    ...refusals,
  },
}
