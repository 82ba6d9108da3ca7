import { globSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { codeSpans, tableRows } from '../support/markdown.ts'

const configuration = readFileSync('docs/configuration.md', 'utf8')
const traces = readFileSync('docs/traces.md', 'utf8')

/** An environment in which every part that reads variables of its own is switched on. */
const base: Readonly<Record<string, string>> = {
  DATABASE_URL: 'postgres://127.0.0.1/app',
  BETTER_AUTH_SECRET: 'a secret of more than thirty-two characters',
  TENANTGATE_DECISION_LOG: '/var/log/tenantgate.jsonl',
  TENANTGATE_ASSERTION: 'on',
  OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318',
  OTEL_TRACES_SAMPLER: 'traceidratio',
}

/** Every variable that the configuration looks at. */
function variablesRead(): readonly string[] {
  const read = new Set<string>()
  const env = new Proxy(base, {
    get(variables, name) {
      if (typeof name === 'string') read.add(name)
      return Reflect.get(variables, name) as unknown
    },
  })
  expect(readConfig(env)).toHaveProperty('config')
  return [...read]
}
const read = variablesRead()
const ofTraces = read.filter((name) => name.startsWith('OTEL_'))
const ofConfiguration = read.filter((name) => !name.startsWith('OTEL_'))

/** The variables of a cell: `_KEY` after `X_CERT` is `X_KEY`, and `X_TRACES_…` is of all before. */
function variablesOf(cell: string): readonly string[] {
  const names: string[] = []
  for (const code of codeSpans(cell)) {
    const name = code.replace(/=.*/, '')
    if (name.startsWith('_')) names.push((names.at(-1) ?? '').replace(/_[A-Z]+$/, '') + name)
    else if (name.endsWith('_…')) {
      const prefix = name.slice(0, -1)
      const short = prefix.replace(/[A-Z]+_$/, '')
      names.push(...names.map((one) => one.replace(short, prefix)))
    } else if (/^[A-Z][A-Z_]+$/.test(name)) names.push(name)
  }
  return names
}

/** Each row of the tables of variables. */
const rowsOf = (page: string): readonly (readonly string[])[] =>
  tableRows(page).filter(([first = '']) => /^`(TENANTGATE|[A-Z]+_[A-Z])/.test(first))

/** Read by OpenTelemetry's exporter, not here. */
const ofTheExporter = /^OTEL_EXPORTER_OTLP_(TRACES_)?(HEADERS|COMPRESSION|CERTIFICATE|CLIENT_.*)$/
/** `TIMEOUT` is looked at to warn of what the exporter would ignore. */
const [refused = ''] = /^Refused, because.*?\n\n/ms.exec(configuration) ?? []

describe('docs/configuration.md', () => {
  it('has every variable that is read', () => {
    const documented = [...rowsOf(configuration).flat(), refused].flatMap(variablesOf)
    expect(ofConfiguration.filter((name) => !documented.includes(name))).toEqual([])
  })

  it('has no other', () => {
    const documented = rowsOf(configuration).flatMap(([first = '']) => variablesOf(first))
    expect(documented.length).toBeGreaterThan(30)
    expect(documented.filter((name) => !ofConfiguration.includes(name))).toEqual([])
    expect(new Set(documented).size).toBe(documented.length)
  })

  it('calls refused what is refused', () => {
    for (const code of codeSpans(refused)) {
      const [name = '', value = '2'] = code.split('=')
      expect(readConfig({ ...base, [name]: value }), code).toHaveProperty('faults')
    }
  })
})

describe('docs/traces.md', () => {
  it('has every variable of tracing that is read, and no other', () => {
    const documented = rowsOf(traces).flatMap(([first = '']) => variablesOf(first))
    expect(documented.filter((name) => !ofTheExporter.test(name)).sort()).toEqual(
      ofTraces.toSorted(),
    )
  })
})

/** Variables and their defaults, where a cell holds nothing but these. */
const defaults = [...rowsOf(configuration), ...rowsOf(traces)].flatMap(
  ([first = '', second = '']) => {
    if (!/^`[^`]+`(, `[^`]+`)*$/.test(second)) return []
    const values = codeSpans(second)
    const names = variablesOf(first)
    return values.map((value, index) => [names[index] ?? '', value] as const)
  },
)

describe('a default is what counts where the variable is unset:', () => {
  it.each(defaults)('%s is %s', (name, value) => {
    const unset = Object.fromEntries(Object.entries(base).filter(([other]) => other !== name))
    const implied = readConfig(unset)
    expect(implied).toHaveProperty('config')
    expect(readConfig({ ...unset, [name]: value })).toEqual(implied)
  })

  it('of most variables', () => {
    expect(defaults.length).toBeGreaterThan(20)
  })
})

it('no variable is named in the code that reads the environment but never looked at', () => {
  const named = globSync('src/config*.ts').flatMap((file) =>
    [
      ...readFileSync(file, 'utf8').matchAll(/'((?:TENANTGATE|BETTER_AUTH|OTEL)_[A-Z_]*[A-Z])'/g),
    ].map(([, name = '']) => name),
  )
  const prefixes = ['TENANTGATE_GRPC_TLS', 'TENANTGATE_HTTP_TLS']
  expect(named.length).toBeGreaterThan(40)
  expect(named.filter((name) => !prefixes.includes(name) && !read.includes(name))).toEqual([])
})
