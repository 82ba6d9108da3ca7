import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { obtainGo } from '../support/go.ts'
import { soundGoModule, type GoTests } from '../support/go-module.ts'

/** The race detector needs a C compiler; without one the tests run all the same. */
const withRaces = (): Promise<GoTests> =>
  promisify(execFile)('cc', ['--version']).then(
    () => ({ args: ['-race'], env: { CGO_ENABLED: '1' } }),
    () => ({}),
  )

describe('the module go', () => soundGoModule('go', withRaces))

describe.each(['go/echotenantgate', 'examples/go-leave-service'])('the module %s', (module) =>
  soundGoModule(module, () => Promise.resolve({})),
)

it('a service on net/http depends on nothing but this module', { timeout: 300_000 }, async () => {
  const { go } = await obtainGo()
  const { output } = await go('go', ['list', '-m', 'all'])
  expect(output.trim()).toBe('github.com/tenantgate/tenantgate/go')
})
