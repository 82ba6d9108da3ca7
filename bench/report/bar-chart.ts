/** A bar: what it is of, and how long. */
export interface Bar {
  readonly label: string
  readonly value: number
  /** Drawn in the colour of what the chart is about. */
  readonly ours: boolean
}

/** Bars under one heading, on a scale of their own. */
export interface Panel {
  readonly heading: string
  readonly bars: readonly Bar[]
}

const width = 860
const labelWidth = 240
const valueWidth = 70
const rowHeight = 22
const headingHeight = 40
const colours = { ours: '#0b7a4b', theirs: '#9aa5b1', text: '#1f2933', ground: '#ffffff' }

const escape = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')

/** Horizontal bars from zero, as SVG: what is three times as long costs three times as much. */
export function barChart(title: string, panels: readonly Panel[]): string {
  const parts: string[] = []
  let y = 0
  for (const { bars, heading } of panels) {
    parts.push(text(16, y + 26, heading, 'font-weight="bold"'))
    y += headingHeight
    const longest = Math.max(...bars.map(({ value }) => value))
    for (const bar of bars) {
      parts.push(...drawn(bar, y, longest))
      y += rowHeight
    }
  }
  const height = y + 16
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" font-family="system-ui, sans-serif" font-size="13">`,
    `<title>${escape(title)}</title>`,
    `<rect width="${width}" height="${height}" fill="${colours.ground}"/>`,
    ...parts,
    '</svg>\n',
  ].join('\n')
}

function drawn({ label, ours, value }: Bar, y: number, longest: number): string[] {
  const room = width - labelWidth - valueWidth - 32
  const length = Math.max(1, Math.round((value / longest) * room))
  const fill = ours ? colours.ours : colours.theirs
  const x = labelWidth + 16
  return [
    text(x - 8, y + 14, label, `text-anchor="end"${ours ? ' font-weight="bold"' : ''}`),
    `<rect x="${x}" y="${y + 2}" width="${length}" height="${rowHeight - 6}" fill="${fill}" rx="2"/>`,
    text(x + length + 6, y + 14, value < 9.95 ? value.toFixed(1) : String(Math.round(value)), ''),
  ]
}

const text = (x: number, y: number, content: string, more: string): string =>
  `<text x="${x}" y="${y}" fill="${colours.text}" ${more}>${escape(content)}</text>`
