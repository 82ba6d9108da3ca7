import { expect, it } from 'vitest'
import type { LocatedFault } from '../../src/application/load-policy.ts'
import { createPolicyStore } from '../../src/application/policy-store.ts'
import { loadPolicy, policyWith } from '../support/builders.ts'

it('replaces the policy by what loads, and keeps it over what does not', () => {
  const loaded: string[] = []
  const failed: (readonly LocatedFault[])[] = []
  const first = policyWith(['{ name: a, match: GET /a, access: public }'])
  const store = createPolicyStore(first, {
    load: loadPolicy,
    onLoaded: ({ version }) => void loaded.push(version),
    onReloadFailed: (faults) => void failed.push(faults),
  })
  expect(store.current()).toBe(first)

  store.reload('version: 1\nroutes:\n  - { name: b, match: GET /b }\n')
  expect(store.current()).toBe(first)
  expect(failed).toHaveLength(1)
  expect(failed[0]?.[0]).toMatchObject({ line: 3, path: 'routes[0]' })

  store.reload('version: 1\nroutes:\n  - { name: b, match: GET /b, access: public }\n')
  expect(store.current().version).not.toBe(first.version)
  expect(loaded).toEqual([first.version, store.current().version])
})
