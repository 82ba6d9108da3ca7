import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from 'vitest'
import { obtainGo, type Go } from '../support/go.ts'

/** The race detector needs a C compiler; without one the tests run all the same. */
const withRaces = promisify(execFile)('cc', ['--version']).then(
  () => true,
  () => false,
)
const limitMs = 300_000

let tools: Go
beforeAll(async () => {
  tools = await obtainGo()
}, limitMs)

const succeeded = { ok: true, output: expect.any(String) as string }

describe.each(['go', 'go/echotenantgate', 'examples/go-leave-service'])(
  'the module %s',
  (module) => {
    it('is formatted', async () => {
      expect(await tools.unformatted(module)).toBe('')
    })

    it('is sound, by go vet', { timeout: limitMs }, async () => {
      expect(await tools.go(module, ['vet', './...'])).toEqual(succeeded)
    })

    it('passes its tests', { timeout: limitMs }, async () => {
      const races = module === 'go' && (await withRaces)
      const args = ['test', '-shuffle=on', ...(races ? ['-race'] : []), './...']
      const tested = await tools.go(module, args, races ? { CGO_ENABLED: '1' } : {})
      expect(tested).toEqual(succeeded)
      expect(tested.output).toMatch(/^ok\s/m)
    })
  },
)

it('a service on net/http depends on nothing but this module', async () => {
  const { output } = await tools.go('go', ['list', '-m', 'all'])
  expect(output.trim()).toBe('github.com/tenantgate/tenantgate/go')
})
