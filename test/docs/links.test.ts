import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, it } from 'vitest'
import { anchors, prose } from '../support/markdown.ts'

const pages = [
  ...['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md'],
  ...globSync('docs/**/*.md'),
  ...globSync('{bench,deploy,go,packages,protos,examples}/**/README.md', {
    exclude: ['**/node_modules/**'],
  }),
].sort()

/** Every link and image of a page to something in the repository. */
function relativeLinks(page: string): readonly string[] {
  const text = prose(readFileSync(page, 'utf8')).replaceAll(/`[^`\n]*`/g, '')
  const inline = [...text.matchAll(/\]\(<?([^)\s>]+)>?(?: "[^"]*")?\)/g)]
  const references = [...text.matchAll(/^\[[^\]]+\]:\s*(\S+)/gm)]
  return [...inline, ...references]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z][a-z0-9+.-]*:/i.test(target))
}

/** What is wrong with a link, if anything. */
function faultOf(page: string, link: string): string | undefined {
  const [path = '', anchor] = link.split('#')
  const target = path === '' ? page : normalize(join(dirname(page), decodeURIComponent(path)))
  if (target.startsWith('..')) return 'leads out of the repository'
  if (!existsSync(target)) return `there is no ${target}`
  if (anchor === undefined || !target.endsWith('.md')) return undefined
  return anchors(readFileSync(target, 'utf8')).includes(anchor)
    ? undefined
    : `no heading of ${target} has the anchor ${anchor}`
}

describe('every link to a file or a heading leads there', () => {
  it.each(pages)('%s', (page) => {
    const faults = relativeLinks(page).flatMap((link) => {
      const fault = faultOf(page, link)
      return fault === undefined ? [] : [`${link}: ${fault}`]
    })
    expect(faults).toEqual([])
  })

  it('among many', () => {
    const links = pages.flatMap(relativeLinks)
    expect(links.length).toBeGreaterThan(60)
    expect(links.filter((link) => link.includes('#')).length).toBeGreaterThan(5)
  })
})

it('every page is reached from the README', () => {
  const reached = new Set(['README.md'])
  for (const page of reached) {
    for (const link of page.endsWith('.md') ? relativeLinks(page) : []) {
      const target = normalize(join(dirname(page), link.replace(/#.*/, '')))
      if (existsSync(target)) reached.add(target)
    }
  }
  const guidesAndReference = pages.filter((page) => /^docs\/(?!adr\/)/.test(page))
  expect(guidesAndReference.filter((page) => !reached.has(page))).toEqual([])
})

describe('anchors', () => {
  it.each([
    ['# `serve` & co.', 'serve--co'],
    ['## What a [line](x.md) says', 'what-a-line-says'],
    ["### Better Auth's `2:new,1:old`", 'better-auths-2new1old'],
    ['## an_id', 'an_id'],
  ])('%s', (heading, anchor) => {
    expect(anchors(`${heading}\n`)).toEqual([anchor])
  })

  it('of the same heading are numbered, and blocks have none', () => {
    expect(anchors('# A\n```sh\n# B\n```\n# A\n')).toEqual(['a', 'a-1'])
  })
})
