/** What one selector of an expression picks: a metric, and by which labels. */
export interface Selector {
  readonly metric: string
  readonly matchers: readonly {
    readonly label: string
    readonly op: string
    readonly value: string
  }[]
}

/** What a PromQL expression names. */
export interface NamedInExpression {
  readonly selectors: readonly Selector[]
  /** Labels of `by`, `without`, `on`, `ignoring`. */
  readonly groupedBy: readonly string[]
}

const token =
  /\s+|#.*|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\[[^\]]*\]|[a-zA-Z_:][a-zA-Z0-9_:]*|[0-9.]+(?:e[+-]?[0-9]+|[smhdwy])?|[=!]~|[=!<>]=|[-+*/%^=<>(){},@]/y
const grouping = new Set(['by', 'without', 'on', 'ignoring', 'group_left', 'group_right'])
const words = new Set(['and', 'or', 'unless', 'bool', 'offset', 'inf', 'nan'])

/** Reads the names out of an expression; throws on what is no PromQL to it. */
export function namedIn(expression: string): NamedInExpression {
  const tokens = tokensOf(expression)
  const selectors: Selector[] = []
  const groupedBy: string[] = []
  for (let at = 0; at < tokens.length; at += 1) {
    const one = tokens[at] ?? ''
    if (!/^[a-zA-Z_:]/.test(one) || words.has(one.toLowerCase())) continue
    if (grouping.has(one)) {
      const end = tokens.indexOf(')', at)
      if (tokens[at + 1] !== '(' || end < 0) throw new Error(`${one} without labels: ${expression}`)
      groupedBy.push(...tokens.slice(at + 2, end).filter((label) => label !== ','))
      at = end
    } else if (!aggregates(tokens[at + 1])) {
      const braces = tokens[at + 1] === '{' ? tokens.indexOf('}', at) : at
      selectors.push({ metric: one, matchers: matchersOf(tokens.slice(at + 2, braces)) })
      at = braces
    }
  }
  return { selectors, groupedBy }
}

/** Whether a name is a function or an aggregation, by what comes after it. */
function aggregates(next: string | undefined): boolean {
  return next === '(' || next === 'by' || next === 'without'
}

function tokensOf(expression: string): readonly string[] {
  const tokens: string[] = []
  for (token.lastIndex = 0; token.lastIndex < expression.length;) {
    const at = token.lastIndex
    const [found] = token.exec(expression) ?? []
    if (found === undefined) throw new Error(`not PromQL from "${expression.slice(at)}" on`)
    if (!/^[\s#]/.test(found)) tokens.push(found)
  }
  return tokens
}

function matchersOf(tokens: readonly string[]): Selector['matchers'] {
  const matchers: Selector['matchers'][number][] = []
  for (let at = 0; at < tokens.length; at += 4) {
    const [label = '', op = '', value = '', comma = ','] = tokens.slice(at, at + 4)
    if (!/^(=|!=|=~|!~)$/.test(op) || !/^["']/.test(value) || comma !== ',') {
      throw new Error(`no matcher: ${tokens.join(' ')}`)
    }
    matchers.push({ label, op, value: value.slice(1, -1) })
  }
  return matchers
}
