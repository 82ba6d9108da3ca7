import { readFileSync } from 'node:fs'
import ts from 'typescript'

/** A source file, read as the compiler reads it, without its types. */
const parse = (file: string): ts.SourceFile =>
  ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest)

/** The members of an interface of a file, each with those of the object that it may be. */
export function membersOf(file: string, name: string): Readonly<Record<string, readonly string[]>> {
  const source = parse(file)
  const found = source.statements
    .filter(ts.isInterfaceDeclaration)
    .find((statement) => statement.name.text === name)
  if (found === undefined) throw new Error(`${file} declares no interface ${name}`)
  const nameOf = (member: ts.TypeElement): string => member.name?.getText(source) ?? ''
  const inner = (member: ts.TypeElement): readonly string[] => {
    if (!ts.isPropertySignature(member) || member.type === undefined) return []
    const parts = ts.isUnionTypeNode(member.type) ? member.type.types : [member.type]
    return parts.flatMap((part) => (ts.isTypeLiteralNode(part) ? part.members.map(nameOf) : []))
  }
  return Object.fromEntries(found.members.map((member) => [nameOf(member), inner(member)] as const))
}

/** The texts of a constant list of a file, which it keeps to itself. */
export function textsOf(file: string, name: string): readonly string[] {
  const source = parse(file)
  const declared = source.statements
    .filter(ts.isVariableStatement)
    .flatMap(({ declarationList }) => declarationList.declarations)
    .find((declaration) => declaration.name.getText(source) === name)
  const list = declared?.initializer
  if (list === undefined || !ts.isArrayLiteralExpression(list)) {
    throw new Error(`${file} declares no list ${name}`)
  }
  return list.elements.filter(ts.isStringLiteral).map(({ text }) => text)
}
