/** A fenced block of a page. */
export interface FencedBlock {
  readonly language: string
  readonly text: string
  /** The line that it begins after, from 1. */
  readonly line: number
  /** Whether only white space stands between the block before and this one. */
  readonly follows: boolean
}

const fence = /^```(\S*)[^\n]*\n(.*?)^```[^\S\n]*$/gms

/** The fenced blocks of a page, in order. */
export function fencedBlocks(page: string): readonly FencedBlock[] {
  let end = 0
  return [...page.matchAll(fence)].map((match) => {
    const [whole, language = '', text = ''] = match
    const follows = end > 0 && page.slice(end, match.index).trim() === ''
    end = match.index + whole.length
    return { language, text, line: page.slice(0, match.index).split('\n').length, follows }
  })
}

/** The commands of a shell block, continued lines joined, comments and empty lines left out. */
export function commandsOf(shell: string): readonly string[] {
  return shell
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
}

/** A page without its fenced blocks: what prettier and GitHub read as Markdown. */
export const prose = (page: string): string => page.replaceAll(fence, '')

/** The rows of all tables, each as its cells; a `|` in a cell is written `\|`. */
export function tableRows(page: string): readonly (readonly string[])[] {
  return prose(page)
    .split('\n')
    .filter((line) => /^\|.*\|$/.test(line) && !/^[|:\s-]+$/.test(line))
    .map((line) => {
      const cells = line.slice(1, -1).split(/(?<!\\)\|/)
      return cells.map((cell) => cell.trim().replaceAll('\\|', '|'))
    })
}

/** The text under a heading, up to the next one of the same or a higher level. */
export function section(page: string, heading: string): string {
  const lines = page.split('\n')
  const start = lines.indexOf(heading)
  if (start < 0) throw new Error(`no heading "${heading}"`)
  const higher = new RegExp(`^#{1,${heading.indexOf(' ')}} `)
  let inBlock = false
  const end = lines.findIndex((line, index) => {
    if (line.startsWith('```')) inBlock = !inBlock
    return index > start && !inBlock && higher.test(line)
  })
  return lines.slice(start + 1, end < 0 ? undefined : end).join('\n')
}

/** What stands in backticks. */
export const codeSpans = (text: string): readonly string[] =>
  [...text.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code)

/** The anchors of a page's headings, as GitHub makes them. */
export function anchors(page: string): readonly string[] {
  const seen = new Map<string, number>()
  return [...prose(page).matchAll(/^#{1,6} +(.+?) *#*$/gm)].map(([, heading = '']) => {
    const text = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').replaceAll(/[*`]/g, '')
    const slug = text
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\p{M}_ -]/gu, '')
      .replaceAll(' ', '-')
    const before = seen.get(slug) ?? 0
    seen.set(slug, before + 1)
    return before === 0 ? slug : `${slug}-${before}`
  })
}
