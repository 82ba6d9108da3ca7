import { parseAllDocuments } from 'yaml'

/** How an HTTPRoute tells a path. */
export interface PathMatch {
  readonly type: 'Exact' | 'RegularExpression' | 'PathPrefix'
  readonly value: string
}

export interface Rule {
  readonly matches: readonly { readonly path: PathMatch; readonly method?: string }[]
  readonly backendRefs?: readonly { readonly name: string }[]
}

/** As much of the resources of all kinds as is looked at. */
export interface Resource {
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace: string }
  readonly spec: {
    readonly hostnames?: readonly string[]
    readonly rules: readonly Rule[]
    readonly configPatches: readonly { readonly patch: { readonly value: Patch } }[]
    readonly jsonPatches: readonly { readonly operation: { readonly value: object } }[]
    readonly [key: string]: unknown
  }
}

interface Patch {
  readonly typed_config: Record<string, unknown>
}

/** The resources of a file. */
export const readResources = (text: string): readonly Resource[] =>
  parseAllDocuments(text).map((document) => document.toJS() as Resource)
