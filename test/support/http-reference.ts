/** As much of an OpenAPI document as the reference tells. */
export interface ApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, ApiOperation>>>>
}

interface ApiOperation {
  readonly summary: string
  readonly tags: readonly string[]
  readonly security: readonly unknown[]
  readonly parameters: readonly {
    readonly name: string
    readonly in: string
    readonly required: boolean
  }[]
  readonly responses: Readonly<Record<string, unknown>>
}

/** `GET /path/{id}`, of each operation. */
export function operationsOf({ paths }: ApiDocument): readonly string[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  )
}

const head = `# HTTP API

Every endpoint of \`TENANTGATE_HTTP_LISTEN\`, as \`/openapi.json\` of a running service describes it with all
parameters, bodies and answers. This page is made of that document: \`npx vitest run test/docs/http-api.test.ts -u\`
writes it anew. [Users](users.md), [admin](admin.md), [metrics](metrics.md) and
[upstreams](upstreams.md#identity-assertions) say what the endpoints are for. Errors are
\`application/problem+json\` (RFC 9457).
`

/** The page that lists the operations by their tags. */
export function httpReference(document: ApiDocument): string {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  )
  const tags = [...new Set(operations.flatMap(({ operation }) => operation.tags))]
  const sections = tags.map((tag) => {
    const rows = operations
      .filter(({ operation }) => operation.tags.includes(tag))
      .map(({ method, operation, path }) => rowOf(`${method.toUpperCase()} ${path}`, operation))
    return `## ${tag}\n\n| endpoint | what | query | token | answers |\n| - | - | - | - | - |\n${rows.join('\n')}\n`
  })
  return [head, ...sections].join('\n')
}

function rowOf(endpoint: string, operation: ApiOperation): string {
  const query = operation.parameters
    .filter((parameter) => parameter.in === 'query')
    .map(({ name }) => `\`${name}\``)
  const cells = [
    `\`${endpoint}\``,
    operation.summary.replaceAll('|', '\\|'),
    query.length === 0 ? '–' : query.join(', '),
    operation.security.length === 0 ? '–' : 'bearer',
    Object.keys(operation.responses).join(', '),
  ]
  return `| ${cells.join(' | ')} |`
}
