/** The metrics of one name, as an exposition has them. */
export interface MetricFamily {
  readonly name: string
  readonly help: string
  readonly type: string
  /** Values by what stands before them: a name with its labels. In their order. */
  readonly samples: Map<string, number>
}

/** Families by name, in their order. */
export type Families = ReadonlyMap<string, MetricFamily>

/**
 * Reads an exposition in Prometheus' text format, as prom-client writes it: each family has its HELP
 * and TYPE before its samples, and no sample has a time. Lines of other kinds are left out.
 */
export function readFamilies(text: string): Families {
  const families = new Map<string, MetricFamily>()
  let family: MetricFamily | undefined
  let help = ''
  for (const line of text.split('\n')) {
    if (line.startsWith('# HELP ')) help = line.slice(line.indexOf(' ', 7) + 1)
    else if (line.startsWith('# TYPE ')) {
      const [, , name = '', type = ''] = line.split(' ')
      family = { name, help, type, samples: new Map() }
      families.set(name, family)
    } else if (line !== '' && !line.startsWith('#')) {
      // Labels may hold spaces, a value never does.
      const space = line.lastIndexOf(' ')
      family?.samples.set(line.slice(0, space), valueOf(line.slice(space + 1)))
    }
  }
  return families
}

/** Writes families as an exposition. */
export function writeFamilies(families: Families): string {
  const lines: string[] = []
  for (const { help, name, samples, type } of families.values()) {
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`)
    for (const [series, value] of samples) lines.push(`${series} ${textOf(value)}`)
    lines.push('')
  }
  return `${lines.join('\n')}\n`
}

function valueOf(text: string): number {
  if (text === '+Inf') return Infinity
  return text === '-Inf' ? -Infinity : Number(text)
}

function textOf(value: number): string {
  if (Number.isNaN(value)) return 'Nan'
  return Number.isFinite(value) ? String(value) : value > 0 ? '+Inf' : '-Inf'
}
