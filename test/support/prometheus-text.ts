/** One sample of an exposition. */
export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** An exposition in Prometheus' text format 0.0.4, by metric. */
export interface Exposition {
  readonly types: ReadonlyMap<string, string>
  readonly samples: readonly Sample[]
  readonly value: (name: string, labels?: Readonly<Record<string, string>>) => number | undefined
}

const sampleLine = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/
const label = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/y

/** Parses strictly: a line that a scraper would refuse throws. */
export function parseExposition(text: string): Exposition {
  if (!text.endsWith('\n')) throw new Error('the last line is not ended')
  const types = new Map<string, string>()
  const samples: Sample[] = []
  for (const line of text.split('\n').filter((one) => one !== '')) {
    const type = /^# TYPE (\S+) (counter|gauge|histogram|summary|untyped)$/.exec(line)
    if (type !== null) {
      const [, name = '', kind = ''] = type
      if (types.has(name)) throw new Error(`${name} is typed twice`)
      types.set(name, kind)
    } else if (!/^# HELP \S+ .+$/.test(line)) samples.push(parseSample(line, types))
  }
  return {
    types,
    samples,
    value: (name, labels = {}) =>
      samples.find(
        (sample) =>
          sample.name === name &&
          Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
      )?.value,
  }
}

function parseSample(line: string, types: ReadonlyMap<string, string>): Sample {
  const [, name = '', labelText = '', valueText = ''] = sampleLine.exec(line) ?? []
  const family = name.replace(/_(bucket|sum|count)$/, '')
  if (!types.has(name) && !types.has(family)) throw new Error(`an untyped or bad line: ${line}`)
  const labels: Record<string, string> = {}
  let at = 0
  while (at < labelText.length) {
    label.lastIndex = at
    const [whole = '', key = '', value = ''] = label.exec(labelText) ?? []
    if (whole === '') throw new Error(`bad labels: ${line}`)
    labels[key] = value.replaceAll(/\\(.)/g, (_all, c: string) => (c === 'n' ? '\n' : c))
    at += whole.length
  }
  const value = Number(valueText.replace(/^\+Inf$/, 'Infinity').replace(/^Nan$/, 'NaN'))
  return { name, labels, value }
}
