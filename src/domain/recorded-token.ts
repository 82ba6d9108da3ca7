/** What a record says of a token, as far as it comes from the token alone. */
export interface TokenParts {
  readonly subject: string
  readonly organization: string | null
  readonly organizationRoles: readonly string[]
  readonly platformRoles: readonly string[]
  readonly issuedAtS: number | null
  readonly expiresAtS: number
  readonly algorithm: string
  readonly keyId: string | null
}

/**
 * A token as records hold it. A class, so that the text of it, which each line of its subject repeats,
 * is made once; its fields are those of the record, in their order there.
 */
export class RecordedToken {
  readonly alg: string
  readonly kid: string | null
  readonly iat: number | null
  readonly exp: number
  readonly organization_id: string | null
  readonly org_roles: readonly string[]
  readonly platform_roles: readonly string[]
  readonly #subject: string
  #text: string | undefined

  constructor(parts: TokenParts) {
    this.alg = parts.algorithm
    this.kid = parts.keyId
    this.iat = parts.issuedAtS
    this.exp = parts.expiresAtS
    this.organization_id = parts.organization
    this.org_roles = parts.organizationRoles
    this.platform_roles = parts.platformRoles
    this.#subject = parts.subject
  }

  /**
   * The part of a line from `user_id` to `token`, for the subject of this token in its own
   * organization; undefined for any other.
   */
  static textOf(token: object | null, line: SubjectOfLine): string | undefined {
    if (!(token instanceof RecordedToken) || token.#subject !== line.user_id) return undefined
    const { organization_id: own } = token
    if (own !== line.organization_id || own !== line.tenant) return undefined
    if (token.#text === undefined) {
      const text = JSON.stringify({
        user_id: line.user_id,
        organization_id: own,
        tenant: own,
        token,
      })
      token.#text = text.slice(1, -1)
    }
    return token.#text
  }
}

/** Whose line it is. */
export interface SubjectOfLine {
  readonly user_id: string | null
  readonly organization_id: string | null
  readonly tenant: string | null
}
