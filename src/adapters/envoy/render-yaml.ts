import { isCollection, parseDocument, visit, type Document, type Node } from 'yaml'

/** Keys and indexes from the top of a document. */
export type YamlPath = readonly (string | number)[]

/** Longest collection, as JSON, that stays on one line. */
const widestLine = 76

/** Parses a file of this project; its comments are kept. */
export function parseTemplateFile(text: string): Document {
  const document = parseDocument(text, { prettyErrors: false })
  const [error] = document.errors
  if (error !== undefined) throw new Error(`the template is no YAML: ${error.message}`)
  return document
}

/** The collection at a path; throws where the template is not of the form that is expected. */
export function nodeAt(document: Document, path: YamlPath): Node {
  const node = document.getIn(path, true)
  if (isCollection(node)) return node
  throw new Error(`the template has no ${path.join('.')}`)
}

/** Puts a value in the place of another, which must be there. */
export function replaceAt(document: Document, path: YamlPath, value: unknown): void {
  if (!document.hasIn(path)) throw new Error(`the template has no ${path.join('.')}`)
  document.setIn(path, createNode(document, value))
}

/** What YAML 1.1, which Envoy reads, takes for a boolean and YAML 1.2 for a text. */
const oldBoolean = /^(?:y|n|yes|no|on|off)$/i

/** A node in the style of this project's files: a short mapping stands on one line. */
export function createNode(document: Document, value: unknown): Node {
  // Equal parts are written out each time: few people read YAML's anchors.
  const node = document.createNode(value, { aliasDuplicateObjects: false }) as Node
  visit(node, {
    Scalar(_key, scalar) {
      const { value: text } = scalar
      if (typeof text === 'string' && oldBoolean.test(text)) scalar.type = 'QUOTE_SINGLE'
    },
    Map(_key, map) {
      const inner = JSON.stringify(map.toJS(document))
      map.flow = inner.length <= widestLine && !inner.includes('[')
    },
  })
  return node
}

/** The text of a document or a part of one. */
export function yamlText(document: Document): string {
  return document.toString({ lineWidth: 0, singleQuote: true })
}
