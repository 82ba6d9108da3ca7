import { createHmac, hkdfSync } from 'node:crypto'

/** What an entry under `perm:<user>:<organization>` is to say. */
export interface ForgedEntry {
  readonly user?: string
  readonly organization?: string
  readonly permissions?: readonly string[]
  /** Sealed as it stands, or made JSON of. */
  readonly json?: unknown
}

/**
 * An entry as contract section 6 describes it, sealed with a secret by code of its own: what the
 * service writes has to open by this description too, and nothing else it describes may open.
 */
export function forgeEntry(secret: string, entry: ForgedEntry = {}): string {
  const { organization = 'org-a', permissions = ['leave:read'], user = 'u1' } = entry
  const { json = soundJson() } = entry
  const text = typeof json === 'string' ? json : JSON.stringify(json)
  const key = hkdfSync('sha256', secret, '', 'tenantgate: seal of Redis entries, version 1', 32)
  const hmac = createHmac('sha256', new Uint8Array(key))
  const uint32 = (value: number) => hmac.update(Buffer.from([0, 0, value >> 8, value & 255]))
  const field = (value: string) => {
    uint32(Buffer.byteLength(value))
    hmac.update(value)
  }
  field(user)
  field(organization)
  uint32(permissions.length)
  permissions.forEach(field)
  field(text)
  const sealed = `~tg1.${Buffer.from(text).toString('base64url')}.${hmac.digest('base64url')}`
  return JSON.stringify([...permissions, sealed])
}

/** What is sealed of a staff member; members given as undefined are left out. */
export function soundJson(
  parts: Readonly<Record<string, unknown>> = {},
): Readonly<Record<string, unknown>> {
  return {
    rows: [['staff']],
    dynamic: {},
    platform_roles: ['user'],
    banned: false,
    verified_at: 1_795_207_072_123.5,
    policy: 'sha256:0123456789abcdef',
    ...parts,
  }
}
