import type { PolicyPath } from '../domain/policy-reader.ts'

/** A place in a file, counted from 1. */
export interface Position {
  readonly line: number
  readonly column: number
}

/** A policy file as its parser read it. */
export interface PolicyDocument {
  readonly value: unknown
  /** What the file's syntax got wrong; then `value` is of no use. */
  readonly faults: readonly (Position & { readonly message: string })[]
  /** Where the value at a path stands, or its nearest parent that is there. */
  readonly locate: (path: PolicyPath) => Position
}

/** Parses the text of a policy file (YAML or JSON). Never throws. */
export type ParsePolicyDocument = (text: string) => PolicyDocument

/** SHA-256 of a text, in hexadecimal digits. */
export type Digest = (text: string) => string
