import { beforeAll, expect, it } from 'vitest'
import { obtainGo, type Go } from './go.ts'

const limitMs = 300_000

/** What `go test` is given beside the packages. */
export interface GoTests {
  readonly args?: readonly string[]
  readonly env?: NodeJS.ProcessEnv
}

const succeeded = { ok: true, output: expect.any(String) as string }

/** Tests of a module, for a `describe`: gofmt, go vet, and its own tests, where it has any. */
export function soundGoModule(module: string, tests?: () => Promise<GoTests>): void {
  let tools: Go
  beforeAll(async () => {
    tools = await obtainGo()
  }, limitMs)

  it('is formatted', async () => {
    expect(await tools.unformatted(module)).toBe('')
  })

  it('is sound, by go vet', { timeout: limitMs }, async () => {
    expect(await tools.go(module, ['vet', './...'])).toEqual(succeeded)
  })

  if (tests === undefined) return
  it('passes its tests', { timeout: limitMs }, async () => {
    const { args = [], env } = await tests()
    const tested = await tools.go(module, ['test', '-shuffle=on', ...args, './...'], env)
    expect(tested).toEqual(succeeded)
    expect(tested.output).toMatch(/^ok\s/m)
  })
}
