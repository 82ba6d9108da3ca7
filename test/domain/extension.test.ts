import { describe, expect, it } from 'vitest'
import { extensionTenant, readExtension } from '../../src/domain/extension.ts'
import type { ExtensionRule } from '../../src/domain/extension.ts'

const read = (extensions: Record<string, string>): ReturnType<typeof readExtension> =>
  readExtension(new Map(Object.entries(extensions)))

function ruleOf(extensions: Record<string, string>): ExtensionRule {
  const rule = read(extensions)
  if (rule === null || 'why' in rule) throw new Error(rule?.why ?? 'no rule')
  return rule
}

describe('readExtension reads', () => {
  it.each([
    ['one permission', { permission: 'leave:read' }, 'member', ['leave:read']],
    ['several permissions, all of them', { permission: 'a:b, c:d' }, 'member', ['a:b', 'c:d']],
    ['access member with a permission', { access: 'member', permission: 'a:b' }, 'member', ['a:b']],
    ['access authenticated', { access: 'authenticated' }, 'authenticated', []],
    ['access public', { access: 'public' }, 'public', []],
  ])('%s', (_title, extensions, access, permissions) => {
    expect(ruleOf(extensions)).toEqual({
      access,
      requirement: { quantifier: 'all', permissions },
      template: undefined,
    })
  })

  it('the template of a path', () => {
    const { template } = ruleOf({ permission: 'a:b', path: '/o/{organizationId}/x' })
    expect(template?.source).toBe('/o/{organizationId}/x')
  })

  it('no rule where none of its keys is there', () => {
    expect(read({})).toBeNull()
    expect(read({ team: 'payroll' })).toBeNull()
  })
})

describe('readExtension cannot rely on', () => {
  it.each([
    ['an empty permission', { permission: '' }],
    ['a permission of space', { permission: ' ' }],
    ['a permission of commas', { permission: ',' }],
    ['a list with an empty permission', { permission: 'leave:read,' }],
    ['a wildcard', { permission: 'leave:*' }],
    ['everything', { permission: '*' }],
    ['what is no permission', { permission: 'leave read' }],
    ['an empty permission beside access public', { access: 'public', permission: '' }],
    ['an unknown access', { access: 'anyone' }],
    ['an empty access', { access: '' }],
    ['an access in another case', { access: 'Public' }],
    ['an access with space', { access: 'public ' }],
    ['an unknown access beside a permission', { access: 'none', permission: 'a:b' }],
    ['access member without a permission', { access: 'member' }],
    ['a path without a permission', { path: '/o/{organizationId}' }],
    ['an unreadable path', { permission: 'a:b', path: 'o/{organizationId}' }],
    ['an empty path', { permission: 'a:b', path: '' }],
    ['a path with an unknown type', { permission: 'a:b', path: '/o/{organizationId:int}' }],
    ['an unreadable path beside access public', { access: 'public', path: '/{' }],
    ['a permission that access public asks of nobody', { access: 'public', permission: 'a:b' }],
    [
      'one that access authenticated asks of nobody',
      { access: 'authenticated', permission: 'a:b' },
    ],
  ])('%s', (_title, extensions) => {
    expect(read(extensions)).toHaveProperty('why')
  })
})

describe('extensionTenant', () => {
  const { template } = ruleOf({ permission: 'a:b', path: '/o/{organizationId}/{rest...}' })
  it.each([
    ['gives the value of the parameter', '/o/org-a/x/y', 'organizationId', 'org-a'],
    ['gives none where the path does not match', '/p/org-a/x', 'organizationId', undefined],
    ['gives none where the template lacks the parameter', '/o/org-a/x', 'tenant', undefined],
  ])('%s', (_title, path, parameter, tenant) => {
    if (template === undefined) throw new Error('no template')
    expect(extensionTenant(template, path.slice(1).split('/'), parameter)).toBe(tenant)
  })
})
