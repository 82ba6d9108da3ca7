import { admin, adminRefusals, found } from './admin-route-schemas.ts'
import type { RouteSchema } from './openapi.ts'

const text = { type: 'string' } as const
const texts = { type: 'array', items: text } as const
const flags = (description: string) =>
  ({ type: 'object', additionalProperties: { type: 'boolean' }, description }) as const
const strict = (properties: Readonly<Record<string, object>>) => ({
  type: 'object',
  additionalProperties: false,
  required: Object.keys(properties),
  properties,
})
/** What a comparison with API descriptions or gateways finds; here there is none to compare with. */
const compared = (description: string) =>
  ({ type: 'array', maxItems: 0, items: { type: 'object' }, description }) as const

const matrixRow = {
  title: 'MatrixRow',
  description: 'Who may call one route.',
  ...strict({
    source: { type: 'string', enum: ['policy', 'envoy'] },
    route: text,
    match: text,
    hosts: texts,
    access: { type: 'string', enum: ['member', 'authenticated', 'public'] },
    requirement: strict({
      quantifier: { type: 'string', enum: ['all', 'any'] },
      permissions: texts,
    }),
    tenant: { type: 'string', enum: ['member', 'none'] },
    mode: { type: 'string', enum: ['enforce', 'shadow'] },
    roles: flags('Whether a member with this role alone may call it.'),
    platform_roles: flags('Whether a user with this platform role alone may call it.'),
    callable: {
      type: 'string',
      enum: ['yes', 'combined', 'no'],
      description: 'Whether anybody may; `combined`: only with several roles.',
    },
  }),
}

/** `GET /admin/v1/coverage` */
export const getCoverage: RouteSchema = {
  ...admin,
  operationId: 'getCoverage',
  summary: 'What the policy in force covers: who can call what, and what does nothing',
  response: {
    200: found('The coverage.', {
      title: 'Coverage',
      description:
        'As `tenantgate coverage --format json` prints it (docs/coverage.md), of the policy by itself.',
      ...strict({
        policy: { type: 'string', description: 'Version of the policy.' },
        uncovered: compared('Operations and routes without a rule.'),
        dead: {
          type: 'array',
          items: strict({
            route: text,
            match: text,
            reason: { type: 'string', enum: ['shadowed', 'no_operation', 'no_gateway_route'] },
            why: text,
          }),
          description: 'Routes that do nothing.',
        },
        ungranted: {
          type: 'array',
          items: strict({ permission: text, routes: texts, why: text }),
          description: 'Permissions that no role grants.',
        },
        uncallable: { ...texts, description: 'Routes that nobody may call.' },
        unasked: {
          type: 'array',
          items: strict({
            role: text,
            scope: { type: 'string', enum: ['organization', 'platform'] },
            permissions: texts,
          }),
          description: 'What roles grant and no route asks for.',
        },
        dynamic_roles: { type: 'boolean' },
        operations: compared('Operations of API descriptions.'),
        gateway_routes: compared("Routes of Envoy's configuration."),
        matrix: { type: 'array', items: matrixRow },
      }),
    }),
    ...adminRefusals,
  },
}

const nullable = (description: string) => ({ type: ['string', 'null'], description }) as const

/** `GET /admin/v1/doctor` */
export const getDoctor: RouteSchema = {
  ...admin,
  operationId: 'getDoctor',
  summary: 'What this process depends on: what is wrong, and how to mend it',
  description: 'Looked at now, from here, one examination at a time; it changes nothing.',
  response: {
    200: found('The findings, also where some are errors.', {
      title: 'Examination',
      description: 'As `tenantgate doctor --format json` prints it (docs/doctor.md).',
      ...strict({
        checks: {
          type: 'array',
          items: {
            title: 'Finding',
            ...strict({
              name: text,
              status: { type: 'string', enum: ['ok', 'warn', 'error'] },
              message: text,
              why: nullable('Why it matters.'),
              mend: nullable('What mends it.'),
            }),
          },
        },
      }),
    }),
    ...adminRefusals,
  },
}
