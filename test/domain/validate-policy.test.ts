import { describe, expect, it } from 'vitest'
import { validatePolicy } from '../../src/domain/validate-policy.ts'

type Mapping = Readonly<Record<string, unknown>>

const list = { name: 'list', match: 'GET /o/{organizationId}/leave', permission: 'leave:read' }
const base = { version: 1, roles: { staff: ['leave:read'] }, routes: [list] }

/** A policy with one more route, which differs from a good one in `changed`. */
const withRoute = (changed: Mapping, top: Mapping = {}): unknown => ({
  ...base,
  ...top,
  routes: [
    list,
    { name: 'more', match: 'POST /o/{organizationId}/leave', permission: 'leave:read', ...changed },
  ],
})
/** The same without some keys. */
const withoutKey = (key: string, changed: Mapping = {}): unknown => {
  const route = {
    name: 'more',
    match: 'POST /o/{organizationId}/leave',
    permission: 'leave:read',
    ...changed,
  }
  return {
    ...base,
    routes: [list, Object.fromEntries(Object.entries(route).filter(([k]) => k !== key))],
  }
}
const withTop = (changed: Mapping): unknown => ({ ...base, ...changed })

/** Where a policy is faulty, as dotted paths in the order found. */
function faultyPaths(policy: unknown): readonly string[] {
  const validation = validatePolicy(policy)
  return 'faults' in validation ? validation.faults.map(({ path }) => path.join('.')) : []
}

describe('a policy holds', () => {
  it.each<[string, unknown]>([
    ['with a version alone', { version: 1 }],
    ['with routes: nothing', withTop({ routes: null })],
    [
      'with every key',
      withTop({
        tenant: { path: 'organizationId' },
        platformRoles: { superadmin: ['*'], support: ['leave:*'] },
        permissions: ['leave:read'],
        dynamicRoles: true,
        headers: {
          userId: 'x-uid',
          organizationId: 'x-oid',
          organizationRole: 'x-or',
          userRole: 'x-ur',
        },
        upstreams: { leave: 'http://leave:8080', pay: 'https://pay.example.com/' },
        defaultUpstream: 'leave',
      }),
    ],
    [
      'with every key of a route',
      withRoute(
        {
          access: 'member',
          hosts: ['api.example.com', '*.example.com'],
          tenant: { header: 'x-tenant' },
          freshness: 'verified',
          whenUnavailable: 'claims',
          mode: 'shadow',
          upstream: 'leave',
          description: 'a text',
        },
        { upstreams: { leave: 'http://leave:8080' } },
      ),
    ],
    ['with a list of permissions', withRoute({ permission: ['a:b', 'c:d'] })],
    ['with a role without permissions', withTop({ roles: { guest: [] } })],
    ['with a role that has a space within', withTop({ roles: { 'team lead': ['leave:read'] } })],
    [
      'with a public route without a tenant',
      withRoute({}, { routes: [{ name: 'h', match: 'GET /h', access: 'public' }] }),
    ],
    [
      'with tenant: none on a route without the parameter',
      withRoute({ match: 'GET /all', tenant: 'none' }),
    ],
    [
      'with a tenant claim on such a route',
      withRoute({ match: 'GET /all', tenant: { claim: true } }),
    ],
    [
      'with another parameter for the tenant',
      withRoute({ match: 'GET /t/{team}', tenant: { path: 'team' } }),
    ],
    ['with the tenant as a text parameter', withRoute({ match: 'GET /t/{organizationId:text}' })],
    ['with the same template on other hosts', withRoute({ match: list.match, hosts: ['a.com'] })],
    [
      'with the same template for another method',
      withRoute({ match: list.match.replace('GET', 'PUT') }),
    ],
    ['with a trailing slash as another route', withRoute({ match: `${list.match}/` })],
    [
      'with each freshness',
      withTop({
        routes: ['claims', 'cache', 'verified', 'database'].map((freshness, index) => ({
          ...list,
          name: freshness,
          match: `GET /${index}/{organizationId}`,
          freshness,
        })),
      }),
    ],
    [
      'with a wildcard that stands for nothing declared',
      withTop({ permissions: ['leave:read'], platformRoles: { x: ['y:*'] } }),
    ],
  ])('%s', (_title, policy) => {
    expect(faultyPaths(policy)).toEqual([])
  })
})

describe('a fault at the top is', () => {
  it.each<[string, unknown, string]>([
    ['no mapping at all', null, ''],
    ['a list', [], ''],
    ['a text', 'version: 1', ''],
    ['a missing version', { routes: [] }, ''],
    ['another version', withTop({ version: 2 }), 'version'],
    ['a version as a text', withTop({ version: '1' }), 'version'],
    ['an unknown key', withTop({ rolls: {} }), 'rolls'],
    ['an unknown key that objects have', withTop({ constructor: 1 }), 'constructor'],
    ['a tenant as a text', withTop({ tenant: 'organizationId' }), 'tenant'],
    ['a tenant as a list', withTop({ tenant: ['path'] }), 'tenant'],
    ['a tenant that is nothing', withTop({ tenant: null }), 'tenant'],
    ['an empty tenant', withTop({ tenant: {} }), 'tenant'],
    [
      'a tenant named in two ways',
      withTop({ tenant: { path: 'organizationId', claim: true } }),
      'tenant',
    ],
    ['a tenant named in an unknown way', withTop({ tenant: { cookie: 'o' } }), 'tenant.cookie'],
    [
      'a tenant claim that is not true',
      withTop({ tenant: { claim: 'organizationId' } }),
      'tenant.claim',
    ],
    ['a tenant path that is no text', withTop({ tenant: { path: 1 } }), 'tenant.path'],
    ['a tenant header that is no text', withTop({ tenant: { header: null } }), 'tenant.header'],
    ['a tenant header with a space', withTop({ tenant: { header: 'x tenant' } }), 'tenant.header'],
    [
      'a tenant header that is a pseudo-header',
      withTop({ tenant: { header: ':path' } }),
      'tenant.header',
    ],
    [
      'a tenant header that is injected',
      withTop({ tenant: { header: 'X-Org-Id' } }),
      'tenant.header',
    ],
    [
      'a tenant header that carries the decision',
      withTop({ tenant: { header: 'x-authz-decision-id' } }),
      'tenant.header',
    ],
    ['roles as a list', withTop({ roles: ['staff'] }), 'roles'],
    ['roles that are nothing', withTop({ roles: null }), 'roles'],
    ['a role with a comma', withTop({ roles: { 'a,b': [] } }), 'roles.a,b'],
    ['a role with space around it', withTop({ roles: { ' a': [] } }), 'roles. a'],
    ['an empty role', withTop({ roles: { '': [] } }), 'roles.'],
    ['a role with a text for a list', withTop({ roles: { a: 'leave:read' } }), 'roles.a'],
    ['a role with nothing for a list', withTop({ roles: { a: null } }), 'roles.a'],
    ['a permission that is no text', withTop({ roles: { a: ['leave:read', 1] } }), 'roles.a.1'],
    ['an empty permission', withTop({ roles: { a: [''] } }), 'roles.a.0'],
    ['what is no permission', withTop({ roles: { a: ['leave read'] } }), 'roles.a.0'],
    ['a wildcard that is not last', withTop({ roles: { a: ['*:read'] } }), 'roles.a.0'],
    ['a wildcard within a name', withTop({ roles: { a: ['leave*'] } }), 'roles.a.0'],
    [
      'what is no permission of a platform role',
      withTop({ platformRoles: { a: ['leave:'] } }),
      'platformRoles.a.0',
    ],
    ['platform roles as a text', withTop({ platformRoles: 'superadmin' }), 'platformRoles'],
    ['permissions as a text', { version: 1, permissions: 'leave:read' }, 'permissions'],
    ['a declared wildcard', withTop({ permissions: ['leave:read', 'leave:*'] }), 'permissions.1'],
    ['dynamicRoles as a text', withTop({ dynamicRoles: 'yes' }), 'dynamicRoles'],
    ['headers as a list', withTop({ headers: [] }), 'headers'],
    ['an unknown header', withTop({ headers: { email: 'x-email' } }), 'headers.email'],
    ['a header that is no text', withTop({ headers: { userId: 1 } }), 'headers.userId'],
    ['what is no header name', withTop({ headers: { userId: 'x user' } }), 'headers.userId'],
    [
      'a header with a meaning of its own',
      withTop({ headers: { userId: 'Authorization' } }),
      'headers.userId',
    ],
    [
      'the header of the decision',
      withTop({ headers: { userId: 'x-authz-decision-id' } }),
      'headers.userId',
    ],
    [
      'the header of the assertion',
      withTop({ headers: { userId: 'X-Identity-Assertion' } }),
      'headers.userId',
    ],
    [
      'a header that gateways take away',
      withTop({ headers: { userId: 'Connection' } }),
      'headers.userId',
    ],
    [
      'two headers with one name',
      withTop({ headers: { userId: 'x-a', userRole: 'X-A' } }),
      'headers',
    ],
    [
      'a header with the name of another default',
      withTop({ headers: { userId: 'x-org-id' } }),
      'headers',
    ],
    ['upstreams as a list', withTop({ upstreams: [] }), 'upstreams'],
    ['an upstream that is no text', withTop({ upstreams: { a: 1 } }), 'upstreams.a'],
    ['an upstream with another scheme', withTop({ upstreams: { a: 'tcp://a:1' } }), 'upstreams.a'],
    ['an upstream with a path', withTop({ upstreams: { a: 'http://a/b' } }), 'upstreams.a'],
    [
      'a default upstream that is not declared',
      withTop({ defaultUpstream: 'a' }),
      'defaultUpstream',
    ],
    [
      'a default upstream that objects have',
      withTop({ defaultUpstream: 'constructor' }),
      'defaultUpstream',
    ],
    [
      'a default upstream that is no text',
      withTop({ upstreams: {}, defaultUpstream: 1 }),
      'defaultUpstream',
    ],
    ['routes as a mapping', withTop({ routes: {} }), 'routes'],
    ['a route that is no mapping', withTop({ routes: ['GET /'] }), 'routes.0'],
    ['a route that is nothing', withTop({ routes: [null] }), 'routes.0'],
  ])('%s', (_title, policy, path) => {
    expect(faultyPaths(policy)).toEqual([path])
  })
})

describe('a fault of a route is', () => {
  it.each<[string, unknown, string]>([
    ['an unknown key', withRoute({ permisson: 'leave:read' }), 'routes.1.permisson'],
    ['a missing name', withoutKey('name'), 'routes.1'],
    ['a name that is no text', withRoute({ name: 1 }), 'routes.1.name'],
    ['a name with a space', withRoute({ name: 'a b' }), 'routes.1.name'],
    ['a name of 129 characters', withRoute({ name: 'a'.repeat(129) }), 'routes.1.name'],
    ['a name that another route has', withRoute({ name: 'list' }), 'routes.1.name'],
    ['a missing match', withoutKey('match'), 'routes.1'],
    ['a match that is no text', withRoute({ match: 1 }), 'routes.1.match'],
    ['a match without a method', withRoute({ match: '/o/{organizationId}' }), 'routes.1.match'],
    ['a match without a path', withRoute({ match: 'GET' }), 'routes.1.match'],
    [
      'a match with an empty method',
      withRoute({ match: 'GET| /o/{organizationId}' }),
      'routes.1.match',
    ],
    ['a match with any method', withRoute({ match: '* /o/{organizationId}' }), 'routes.1.match'],
    ['a method in lower case', withRoute({ match: 'get /o/{organizationId}' }), 'routes.1.match'],
    ['CONNECT', withRoute({ match: 'CONNECT /o/{organizationId}' }), 'routes.1.match'],
    [
      'a template without a leading slash',
      withRoute({ match: 'PUT o/{organizationId}' }),
      'routes.1.match',
    ],
    [
      'a literal with an encoding',
      withRoute({ match: 'PUT /o/{organizationId}/a%20b' }),
      'routes.1.match',
    ],
    ['a literal with a query', withRoute({ match: 'PUT /o/{organizationId}?a' }), 'routes.1.match'],
    [
      'a literal with a semicolon',
      withRoute({ match: 'PUT /o/{organizationId}/a;b' }),
      'routes.1.match',
    ],
    [
      'a literal with a fragment',
      withRoute({ match: 'PUT /o/{organizationId}/a#b' }),
      'routes.1.match',
    ],
    [
      'a literal with a backslash',
      withRoute({ match: 'PUT /o/{organizationId}/a\\b' }),
      'routes.1.match',
    ],
    [
      'a literal with a space',
      withRoute({ match: 'PUT /o/{organizationId}/a b' }),
      'routes.1.match',
    ],
    ['a literal beyond ASCII', withRoute({ match: 'PUT /o/{organizationId}/é' }), 'routes.1.match'],
    ['a dot segment', withRoute({ match: 'PUT /o/./{organizationId}' }), 'routes.1.match'],
    ['a double dot segment', withRoute({ match: 'PUT /o/../{organizationId}' }), 'routes.1.match'],
    ['an empty segment', withRoute({ match: 'PUT /o//{organizationId}' }), 'routes.1.match'],
    [
      'a parameter of an unknown type',
      withRoute({ match: 'PUT /o/{organizationId}/{a:int}' }),
      'routes.1.match',
    ],
    [
      'a parameter within a segment',
      withRoute({ match: 'PUT /o/{organizationId}/a-{b}' }),
      'routes.1.match',
    ],
    [
      'a parameter twice',
      withRoute({ match: 'PUT /{organizationId}/{organizationId}' }),
      'routes.1.match',
    ],
    [
      'a rest before the end',
      withRoute({ match: 'PUT /{organizationId}/{a...}/b' }),
      'routes.1.match',
    ],
    ['a template without the tenant', withRoute({ match: 'PUT /o/{orgId}' }), 'routes.1.match'],
    [
      'a template without its own tenant',
      withRoute({ tenant: { path: 'team' } }),
      'routes.1.match',
    ],
    ['a tenant that is a literal', withRoute({ match: 'PUT /o/organizationId' }), 'routes.1.match'],
    [
      'a tenant of several segments',
      withRoute({ match: 'PUT /o/{organizationId...}' }),
      'routes.1.match',
    ],
    ['an equal route before it', withRoute({ match: list.match }), 'routes.1.match'],
    [
      'an equal route with other names of parameters',
      withRoute({ match: 'GET /o/{team}/leave', tenant: { path: 'team' } }),
      'routes.1.match',
    ],
    [
      'an equal route for one of its methods',
      withRoute({ match: list.match.replace('GET', 'GET|PUT') }),
      'routes.1.match',
    ],
    ['an unknown access', withRoute({ access: 'private' }), 'routes.1.access'],
    ['an access that is nothing', withRoute({ access: null }), 'routes.1.access'],
    ['no permission', withoutKey('permission'), 'routes.1'],
    [
      'no permission with access member',
      withoutKey('permission', { access: 'member' }),
      'routes.1',
    ],
    ['an empty list of permissions', withRoute({ permission: [] }), 'routes.1.permission'],
    ['a permission that is nothing', withRoute({ permission: null }), 'routes.1.permission'],
    ['an empty permission', withRoute({ permission: '' }), 'routes.1.permission.0'],
    ['a wildcard for a permission', withRoute({ permission: 'leave:*' }), 'routes.1.permission.0'],
    [
      'what is no permission',
      withRoute({ permission: ['leave:read', 'x y'] }),
      'routes.1.permission.1',
    ],
    ['two permissions in one text', withRoute({ permission: 'a:b,c:d' }), 'routes.1.permission.0'],
    [
      'permission and anyPermission',
      withRoute({ anyPermission: ['a:b'] }),
      'routes.1.anyPermission',
    ],
    [
      'an empty anyPermission',
      withoutKey('permission', { anyPermission: [] }),
      'routes.1.anyPermission',
    ],
    ['a permission of a public route', withRoute({ access: 'public' }), 'routes.1.permission'],
    [
      'an anyPermission of an authenticated route',
      withoutKey('permission', { access: 'authenticated', anyPermission: ['a:b'] }),
      'routes.1.anyPermission',
    ],
    ['an empty list of hosts', withRoute({ hosts: [] }), 'routes.1.hosts'],
    ['a host with a port', withRoute({ hosts: ['a.com', 'b.com:80'] }), 'routes.1.hosts.1'],
    ['a host that is no text', withRoute({ hosts: [1] }), 'routes.1.hosts.0'],
    ['a wildcard within a host', withRoute({ hosts: ['a.*.com'] }), 'routes.1.hosts.0'],
    ['a wildcard alone', withRoute({ hosts: ['*'] }), 'routes.1.hosts.0'],
    ['a tenant as an unknown text', withRoute({ tenant: 'nobody' }), 'routes.1.tenant'],
    [
      'a tenant claim that is false',
      withRoute({ tenant: { claim: false } }),
      'routes.1.tenant.claim',
    ],
    [
      'a tenant header that is injected',
      withRoute({ tenant: { header: 'x-user-id' } }),
      'routes.1.tenant.header',
    ],
    [
      'a tenant header that the policy injects',
      withRoute({ tenant: { header: 'x-mine' } }, { headers: { organizationId: 'x-mine' } }),
      'routes.1.tenant.header',
    ],
    ['an unknown freshness', withRoute({ freshness: 'fresh' }), 'routes.1.freshness'],
    [
      'an unknown whenUnavailable',
      withRoute({ whenUnavailable: 'allow' }),
      'routes.1.whenUnavailable',
    ],
    ['an unknown mode', withRoute({ mode: 'off' }), 'routes.1.mode'],
    ['a mode that is a boolean', withRoute({ mode: false }), 'routes.1.mode'],
    ['an upstream that is not declared', withRoute({ upstream: 'leave' }), 'routes.1.upstream'],
    ['an upstream that is no text', withRoute({ upstream: 1 }), 'routes.1.upstream'],
    ['a description that is no text', withRoute({ description: 1 }), 'routes.1.description'],
  ])('%s', (_title, policy, path) => {
    expect(faultyPaths(policy)).toEqual([path])
  })
})

describe('with declared permissions a fault is', () => {
  const declared = { permissions: ['leave:read'] }
  it.each<[string, unknown, string]>([
    [
      'another one of a role',
      withTop({ ...declared, roles: { a: ['leave:read', 'leave:raed'] } }),
      'roles.a.1',
    ],
    [
      'another one of a platform role',
      withTop({ ...declared, platformRoles: { a: ['x:y'] } }),
      'platformRoles.a.0',
    ],
    [
      'another one of a route',
      withRoute({ permission: ['leave:read', 'x:y'] }, declared),
      'routes.1.permission',
    ],
    ['another one of anyPermission', withoutKeyAnd(declared), 'routes.1.anyPermission'],
    [
      'any one where none is declared',
      withTop({ permissions: [], roles: { a: ['x:y'] }, routes: [] }),
      'roles.a.0',
    ],
    [
      'another one of a role named __proto__',
      withTop({ ...declared, roles: JSON.parse('{"__proto__":["x:y"]}') as unknown }),
      'roles.__proto__.0',
    ],
  ])('%s', (_title, policy, path) => {
    expect(faultyPaths(policy)).toEqual([path])
  })

  function withoutKeyAnd(top: Mapping): unknown {
    return {
      ...(withoutKey('permission', { anyPermission: ['leave:read', 'x:y'] }) as Mapping),
      ...top,
    }
  }
})

it('all faults of a policy are reported at once', () => {
  const policy = {
    version: 2,
    tenant: { cookie: 'o' },
    roles: { 'a,b': ['*:x'], staff: 'leave:read' },
    routes: [
      { name: 'a', match: 'get /a;b/{organizationId}', freshness: 'new', hosts: ['a:1'] },
      { match: 'GET /{organizationId}', permission: [], mode: 'watch' },
      { name: 'a', match: 'GET /x', access: 'open', upstream: 'nowhere' },
    ],
  }
  expect(faultyPaths(policy)).toEqual(
    expect.arrayContaining([
      ...['version', 'tenant.cookie', 'roles.a,b', 'roles.a,b.0', 'roles.staff'],
      ...['routes.0', 'routes.0.match', 'routes.0.freshness', 'routes.0.hosts.0'],
      ...['routes.1', 'routes.1.permission', 'routes.1.mode'],
      ...['routes.2.name', 'routes.2.access', 'routes.2.upstream'],
    ]),
  )
})

it('every pair of equal routes is reported, with the one that stands first', () => {
  const routes = ['a', 'b', 'c'].map((name) => ({ ...list, name }))
  const validation = validatePolicy(withTop({ routes }))
  if (!('faults' in validation)) throw new Error('no faults')
  expect(validation.faults.map(({ path }) => path.join('.'))).toEqual([
    'routes.1.match',
    'routes.2.match',
  ])
  for (const { message } of validation.faults) expect(message).toContain('"a"')
})
