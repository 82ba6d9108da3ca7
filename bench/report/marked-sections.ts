/**
 * Puts texts between markers of a document: `<!-- measured: NAME -->` and the next `<!-- end -->`.
 * Throws where a text has no place, so that no figure is lost unseen.
 */
export function fillSections(document: string, texts: Readonly<Record<string, string>>): string {
  let filled = document
  for (const [name, text] of Object.entries(texts)) {
    const begin = `<!-- measured: ${name} -->`
    const from = filled.indexOf(begin)
    const to = from < 0 ? -1 : filled.indexOf('<!-- end -->', from)
    if (to < 0) throw new Error(`the document has no section ${begin}`)
    filled = `${filled.slice(0, from + begin.length)}\n\n${text}\n\n${filled.slice(to)}`
  }
  return filled
}
