import type { Personas } from './personas.ts'

/** One request of the tour: who asks for what, and what must come of it. */
export interface Scene {
  readonly title: string
  readonly persona: string | null
  readonly method: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  /** Another token than the persona's own. */
  readonly token?: string
  readonly status: number
  /** The reason of a denial, or null where Envoy itself refuses. */
  readonly reason?: string | null
  /** Headers that the upstream must have received; null: must not have. */
  readonly upstream?: Readonly<Record<string, string | null>>
}

/** The tour: every kind of allow and deny that a client can bring about. */
export function scenes({
  organizations,
  acme,
  banned,
  superadmin,
  outsider,
}: Personas): readonly Scene[] {
  const leave = `/api/v1/organizations/${organizations.acme}/leave`
  const theirs = `/api/v1/organizations/${organizations.globex}/leave`
  const [header = '', payload = ''] = acme.owner.token.split('.')
  const forged = Buffer.from('{"alg":"none"}').toString('base64url')
  return [
    {
      title: 'the health check needs no token',
      ...{ persona: null, method: 'GET', path: '/healthz', status: 200 },
      upstream: { 'x-user-id': null, 'x-org-role': null },
    },
    {
      title: 'without a token nothing else answers',
      ...{ persona: null, method: 'GET', path: leave, status: 401, reason: 'missing_credential' },
    },
    {
      title: 'staff approves leave, and the upstream is told who it is',
      ...{ persona: 'acme-staff', method: 'POST', path: `${leave}/l1/approve`, status: 200 },
      upstream: {
        'x-user-id': acme.staff.userId,
        'x-org-id': organizations.acme,
        'x-org-role': 'staff',
        'x-user-role': 'user',
      },
    },
    {
      title: 'a viewer may not approve',
      ...{ persona: 'acme-viewer', method: 'POST', path: `${leave}/l1/approve` },
      ...{ status: 403, reason: 'permission_denied' },
    },
    {
      title: 'the owner of one organization is nobody in another',
      ...{ persona: 'acme-owner', method: 'POST', path: `${theirs}/l1/approve` },
      ...{ status: 403, reason: 'tenant_mismatch' },
    },
    {
      title: 'a forged x-org-role never arrives',
      ...{ persona: 'acme-viewer', method: 'GET', path: leave, status: 200 },
      headers: { 'x-org-role': 'owner', 'x-user-id': superadmin.userId },
      upstream: { 'x-org-role': 'viewer', 'x-user-id': acme.viewer.userId },
    },
    {
      title: 'nor on a public route',
      ...{ persona: null, method: 'GET', path: '/healthz', status: 200 },
      headers: { 'x-org-role': 'owner', 'x-user-id': superadmin.userId },
      upstream: { 'x-org-role': null, 'x-user-id': null },
    },
    {
      title: 'a token issued before the ban is worth nothing after it',
      ...{ persona: banned.name, method: 'GET', path: leave, status: 403, reason: 'banned' },
    },
    {
      title: 'an outsider is no member',
      ...{
        persona: outsider.name,
        method: 'GET',
        path: leave,
        status: 403,
        reason: 'not_a_member',
      },
    },
    {
      title: 'but a user like any other where only that is asked',
      ...{ persona: outsider.name, method: 'GET', path: '/api/v1/me', status: 200 },
      upstream: { 'x-user-id': outsider.userId, 'x-org-id': null, 'x-org-role': null },
    },
    {
      title: 'a superadmin acts in every organization',
      ...{ persona: 'superadmin', method: 'POST', path: `${theirs}/l1/approve`, status: 200 },
      upstream: {
        'x-user-role': 'superadmin',
        'x-org-id': organizations.globex,
        'x-org-role': null,
      },
    },
    {
      title: 'an unsigned token is none',
      ...{ persona: null, method: 'GET', path: leave, token: `${forged}.${payload}.` },
      ...{ status: 401, reason: 'invalid_token' },
    },
    {
      title: 'nor is one whose claims were changed',
      ...{ persona: null, method: 'GET', path: leave },
      token: `${header}.${payload.slice(0, -2)}AA.${acme.owner.token.split('.')[2] ?? ''}`,
      ...{ status: 401, reason: 'invalid_token' },
    },
    {
      title: 'a path that two parsers could read differently is refused',
      ...{ persona: 'acme-owner', method: 'GET', path: `${leave};v=1` },
      ...{ status: 400, reason: 'ambiguous_path' },
    },
    {
      title: 'an encoded slash does not even get past Envoy',
      ...{ persona: 'acme-owner', method: 'GET', path: `${leave}/..%2f..%2fadmin` },
      ...{ status: 400, reason: null },
    },
    {
      title: 'what no route names is denied',
      ...{ persona: 'acme-owner', method: 'DELETE', path: `${leave}/l1` },
      ...{ status: 403, reason: 'no_route' },
    },
    {
      title: "a rule on Envoy's own route works without the policy",
      ...{ persona: 'acme-owner', method: 'POST', status: 200 },
      path: `/v1/orgs/${organizations.acme}/reports/r1/export`,
      headers: { host: 'envoy-routes.example.com' },
      upstream: { 'x-org-role': 'owner' },
    },
    {
      title: 'and refuses who lacks its permission',
      ...{ persona: 'acme-staff', method: 'POST', status: 403, reason: 'permission_denied' },
      path: `/v1/orgs/${organizations.acme}/reports/r1/export`,
      headers: { host: 'envoy-routes.example.com' },
    },
  ]
}
