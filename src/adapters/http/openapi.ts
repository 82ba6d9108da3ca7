import type { FastifyInstance, FastifySchema, RouteOptions } from 'fastify'

/** The schema of a route: what fastify validates and serializes by, and what the document says. */
export interface RouteSchema extends FastifySchema {
  readonly operationId: string
  readonly summary: string
  readonly description?: string
  readonly tags: readonly string[]
  /** `bearer`: the route takes a bearer token. */
  readonly security?: readonly { readonly bearer: readonly [] }[]
  readonly deprecated?: boolean
  readonly response: Readonly<Record<number, RouteResponse>>
}

/** One answer of a route. */
export interface RouteResponse {
  readonly description: string
  readonly headers?: Readonly<Record<string, object>>
  readonly content?: Readonly<Record<string, { readonly schema: object }>>
}

interface JsonObject {
  readonly [name: string]: unknown
}

/**
 * `/openapi.json` (OpenAPI 3.1), made of the very schemas that the routes run with, so that the two
 * cannot differ. Schemas with a title become components. Has to be created before the routes are.
 */
export function createOpenApi(server: FastifyInstance) {
  const routes: { readonly route: RouteOptions; readonly schema: RouteSchema }[] = []
  server.addHook('onRoute', (route) => {
    if (isDescribed(route.schema)) routes.push({ route, schema: route.schema })
  })
  let document: string | undefined
  return (scope: FastifyInstance): void => {
    scope.get('/openapi.json', (_request, reply) => {
      document ??= JSON.stringify(documentOf(routes))
      return reply.type('application/json').send(document)
    })
  }
}

/** HEAD routes, which fastify adds to GET by itself, are left out: they repeat an operation's id. */
function isDescribed(schema: FastifySchema | undefined): schema is RouteSchema {
  return schema !== undefined && 'operationId' in schema
}

function documentOf(
  routes: readonly { readonly route: RouteOptions; readonly schema: RouteSchema }[],
): JsonObject {
  const components: Record<string, unknown> = {}
  const paths: Record<string, Record<string, unknown>> = {}
  for (const { route, schema } of routes) {
    const methods = [route.method].flat().filter((method) => method !== 'HEAD')
    const path = route.url.replace(/:([A-Za-z]+)/g, '{$1}')
    for (const method of methods) {
      paths[path] ??= {}
      paths[path][method.toLowerCase()] = lift(operationOf(schema), components)
    }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'tenantgate',
      version: '1',
      description:
        'Who may do what: operations, users as Better Auth keeps them, and for administrators the ' +
        'decisions and what they rest on.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    paths,
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
      schemas: components,
    },
  }
}

function operationOf(schema: RouteSchema): JsonObject {
  const { body, params, querystring, response, ...rest } = schema
  return {
    security: [],
    ...rest,
    ...(body !== undefined && {
      requestBody: { required: true, content: { 'application/json': { schema: body } } },
    }),
    parameters: [...parametersOf('path', params), ...parametersOf('query', querystring)],
    responses: response,
  }
}

function parametersOf(place: 'path' | 'query', schema: unknown): readonly JsonObject[] {
  if (!isObject(schema) || !isObject(schema['properties'])) return []
  const required = Array.isArray(schema['required']) ? schema['required'] : []
  return Object.entries(schema['properties']).map(([name, value]) => {
    const { description, ...plain } = isObject(value) ? value : {}
    const needed = place === 'path' || required.includes(name)
    return {
      name,
      in: place,
      required: needed,
      ...(description !== undefined && { description }),
      schema: plain,
    }
  })
}

/** Moves schemas with a title to the components, and refers to them. */
function lift(value: unknown, components: Record<string, unknown>): unknown {
  if (Array.isArray(value)) return value.map((one) => lift(one, components))
  if (!isObject(value)) return value
  const entries = Object.entries(value).map(([name, one]) => [name, lift(one, components)])
  const { title, type } = value
  if (typeof title !== 'string' || type === undefined) return Object.fromEntries(entries)
  components[title] = Object.fromEntries(entries)
  return { $ref: `#/components/schemas/${title}` }
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
