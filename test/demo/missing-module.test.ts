import { expect, it } from 'vitest'
import { missingInPackage } from '../../src/demo/missing-module.ts'

it('tells where a package that is missing can be had', () => {
  const missing = Object.assign(new Error('x'), { code: 'ERR_MODULE_NOT_FOUND' })
  expect(() => missingInPackage('better-auth')(missing)).toThrow(
    'The package better-auth is not installed: run the demo in a checkout',
  )
})

it('leaves other faults alone', () => {
  const fault = new SyntaxError('y')
  expect(() => missingInPackage('better-auth')(fault)).toThrow(fault)
})
