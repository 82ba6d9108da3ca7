import { readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { parse } from 'yaml'
import { describe, expect, it } from 'vitest'
import { loadPolicy } from '../support/builders.ts'

const schema = JSON.parse(readFileSync('schema/policy.schema.json', 'utf8')) as object
const validate = new Ajv2020({ strict: true, strictRequired: false, strictTypes: false }).compile(
  schema,
)

/** Whether the schema, which editors use, and the loader, which decides, agree on a policy. */
function verdicts(text: string): { readonly schema: boolean; readonly loader: boolean } {
  return { schema: validate(parse(text)), loader: 'policy' in loadPolicy(text) }
}

describe('the JSON Schema of a policy', () => {
  it.each(['examples/policy.yaml', 'test/cases/leave.policy.yaml'])('takes %s', (file) => {
    expect(verdicts(readFileSync(file, 'utf8'))).toEqual({ schema: true, loader: true })
  })

  const route = (rest: string): string => `version: 1\nroutes:\n  - { name: a, ${rest} }\n`
  it.each([
    route('match: GET /a, access: public'),
    route("match: 'GET|HEAD /a/{organizationId}/{b:text}/{c...}', permission: [a:b, c:d]"),
    route(
      'match: "GET /a/{organizationId}", anyPermission: a:b, freshness: verified, mode: shadow',
    ),
    route('match: GET /a, permission: a:b, tenant: none'),
    route('match: GET /a, permission: a:b, tenant: { header: x-tenant }, hosts: ["*.example.com"]'),
    'version: 1\ntenant: { claim: true }\nroles: { lead hr: ["*", "a:*", a:b] }\ndynamicRoles: true\n',
    'version: 1\nheaders: { userId: x-subject }\nupstreams: { a: http://a:80 }\ndefaultUpstream: a\n',
  ])('takes what the loader takes: %s', (text) => {
    expect(verdicts(text)).toEqual({ schema: true, loader: true })
  })

  it.each([
    'routes: []\n',
    'version: 2\n',
    'version: 1\nrules: []\n',
    'version: 1\nroles: { "a,b": ["*"] }\n',
    'version: 1\nroles: { a: "*" }\n',
    'version: 1\nroles: { a: [a b] }\n',
    'version: 1\ntenant: { path: a, header: b }\n',
    'version: 1\ntenant: { claim: false }\n',
    'version: 1\nupstreams: { a: "ftp://a" }\n',
    route('match: /a, access: public'),
    route('match: get /a, access: public'),
    route('match: GET a, access: public'),
    route('match: "GET /a/{organizationId}"'),
    route('match: "GET /a/{organizationId}", permission: a:b, anyPermission: c:d'),
    route('match: "GET /a/{organizationId}", permission: "a:*"'),
    route('match: "GET /a/{organizationId}", permission: []'),
    route('match: GET /a, access: public, permission: a:b'),
    route('match: GET /a, access: authenticated, tenant: none'),
    route('match: GET /a, access: anyone'),
    route('match: GET /a, acess: public'),
    route('match: GET /a, access: public, hosts: []'),
  ])('refuses what the loader refuses: %s', (text) => {
    expect(verdicts(text)).toEqual({ schema: false, loader: false })
  })
})
