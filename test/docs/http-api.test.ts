import { readFileSync } from 'node:fs'
import { format, resolveConfig } from 'prettier'
import { beforeAll, describe, expect, it } from 'vitest'
import { examplePolicy } from '../../src/demo/stack.ts'
import { startTenantgate } from '../../src/demo/tenantgate-process.ts'
import { httpReference, operationsOf, type ApiDocument } from '../support/http-reference.ts'
import { codeSpans, tableRows } from '../support/markdown.ts'

const reference = 'docs/http-api.md'

let document: ApiDocument
beforeAll(async () => {
  const service = await startTenantgate({
    TENANTGATE_POLICY: examplePolicy,
    TENANTGATE_ASSERTION: 'on',
    DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none',
    BETTER_AUTH_SECRET: 'a secret of more than thirty-two characters',
  })
  const answer = await fetch(`http://${service.httpAddress}/openapi.json`)
  document = (await answer.json()) as ApiDocument
  await service.close()
})

/** The endpoints that a page's tables begin with, their parameters written as in the document. */
function endpointsOf(page: string): readonly string[] {
  return tableRows(readFileSync(page, 'utf8'))
    .flatMap(([first = '']) => codeSpans(first))
    .filter((code) => /^[A-Z]+ \//.test(code))
    .map((code) => code.replaceAll(/:(\w+)/g, '{$1}'))
}

describe('the endpoints of a running service', () => {
  it(`are those of ${reference}, word by word`, async () => {
    const options = await resolveConfig(reference)
    const page = await format(httpReference(document), { ...options, parser: 'markdown' })
    await expect(page).toMatchFileSnapshot(`../../${reference}`)
  })

  it.each([
    ['docs/users.md', '/api/v1/'],
    ['docs/admin.md', '/admin/v1/'],
  ])('are those of %s under %s', (page, prefix) => {
    const running = operationsOf(document).filter((one) => one.includes(` ${prefix}`))
    expect(running.length).toBeGreaterThan(4)
    expect(endpointsOf(page).toSorted()).toEqual(running.toSorted())
  })
})
