import type { AccessRequest, RecognisedCredential } from '../../domain/request.ts'

const noExtensions: ReadonlyMap<string, string> = new Map()

/** What a header reads as that was not asked for when its request was decoded. */
const unknowable = ','

/**
 * A request of which only the headers that were asked for are known. A class, so that all requests
 * have one shape: a check reads little else.
 */
export class DecodedRequest implements AccessRequest {
  readonly method: string
  readonly host: string
  readonly path: string
  readonly extensions: ReadonlyMap<string, string>
  readonly recognised: RecognisedCredential | undefined
  private readonly names: readonly string[]
  private readonly values: readonly (string | undefined)[]

  constructor(
    read: Readonly<Record<'method' | 'host' | 'path', string>> & Pick<AccessRequest, 'recognised'>,
    extensions: ReadonlyMap<string, string> | undefined,
    names: readonly string[],
    values: readonly (string | undefined)[],
  ) {
    this.method = read.method
    this.host = read.host
    this.path = read.path
    this.extensions = extensions ?? noExtensions
    this.names = names
    this.values = values
    this.recognised = read.recognised
  }

  /**
   * The value of a header. One that nobody asked for in time cannot be told from an absent one: it
   * reads as if it had two values, which no reader accepts.
   */
  header(name: string): string | undefined {
    const slot = this.names.indexOf(name)
    return slot === -1 ? unknowable : this.values[slot]
  }
}

/** What bytes that are no CheckRequest say: nothing, which step 1 refuses. */
export const unreadableRequest: AccessRequest = {
  method: '',
  host: '',
  path: '',
  header: () => undefined,
  extensions: noExtensions,
}
