import { problemResponse, problemSchema } from './problem.ts'

const nullable = (description: string) => ({ type: ['string', 'null'], description }) as const

/** A user as it is answered. */
export const userSchema = {
  title: 'User',
  description:
    'A user as Better Auth keeps it, with one membership: of the organization asked for, or else ' +
    'of the one by which it is seen.',
  type: 'object',
  additionalProperties: false,
  required: [
    ...['id', 'email', 'emailVerified', 'name', 'image', 'isAnonymous', 'role', 'banned'],
    ...['banReason', 'banExpires', 'organizationId', 'orgRole', 'managerId', 'departmentId'],
  ],
  properties: {
    id: { type: 'string' },
    email: { type: 'string' },
    emailVerified: { type: 'boolean' },
    name: { type: 'string' },
    image: nullable('Address of a picture.'),
    isAnonymous: { type: 'boolean' },
    role: { type: 'string', description: 'Platform roles, comma-separated.' },
    banned: { type: 'boolean', description: 'Banned now; a ban that is over is none.' },
    banReason: nullable('Why.'),
    banExpires: {
      type: ['string', 'null'],
      format: 'date-time',
      description: 'UTC; null: the ban has no end, or there is none.',
    },
    organizationId: nullable('The organization that the next three are of.'),
    orgRole: nullable('Organization roles, comma-separated; may be empty.'),
    managerId: nullable('As the oldest membership row says.'),
    departmentId: nullable('As the oldest membership row says.'),
  },
} as const

/** Some users of an organization. */
export const userPageSchema = {
  title: 'UserPage',
  type: 'object',
  additionalProperties: false,
  required: ['users', 'nextCursor'],
  properties: {
    users: { type: 'array', items: userSchema },
    nextCursor: nullable('What to ask for the next page with; null: there are no more.'),
  },
} as const

/** Where what used to be written here is written now. */
export const successorSchema = {
  title: 'Successor',
  type: 'object',
  required: ['type', 'title', 'status', 'location', 'successor'],
  properties: {
    ...problemSchema.properties,
    location: { type: 'string', description: "Path of Better Auth's endpoint." },
    successor: { type: 'string', description: 'The same.' },
  },
} as const

/** An id in a path. */
export const idSchema = (description: string) =>
  ({ type: 'string', minLength: 1, maxLength: 255, description }) as const

/** The refusals that every authenticated route may give. */
export const refusals = {
  401: {
    ...problemResponse('There is no valid bearer token.'),
    headers: { 'www-authenticate': { schema: { type: 'string' } } },
  },
  403: problemResponse('The user of the token does not exist, or is banned.'),
  404: problemResponse('There is no such thing, or it is not for the caller to know.'),
  503: {
    ...problemResponse('No answer could be had in time.'),
    headers: { 'retry-after': { schema: { type: 'integer' } } },
  },
} as const
