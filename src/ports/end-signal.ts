/**
 * Tells, once, that nobody waits any more. Every `AbortSignal` is one. Checks have a lighter one of their
 * own: to make an `AbortSignal` and to listen to it takes longer than what most of them wait for.
 */
export interface EndSignal {
  readonly aborted: boolean
  readonly addEventListener: (
    type: 'abort',
    listener: () => void,
    options?: { readonly once: true },
  ) => void
  readonly removeEventListener: (type: 'abort', listener: () => void) => void
}
