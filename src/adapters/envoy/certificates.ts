import { readFileSync } from 'node:fs'

/** Files of a TLS listener; with `clientCa` clients must present a certificate of that authority. */
export interface TlsFiles {
  readonly cert: string
  readonly key: string
  readonly clientCa?: string
}

/** How often certificate files are looked at for a change, in ms. */
const refreshMs = 1_000

/** The content of TLS files, whole and fitting together. */
export interface Certificates {
  readonly cert: Buffer
  readonly key: Buffer
  readonly ca: Buffer | undefined
}

/** Why the files cannot serve TLS, or undefined. */
export function tlsFault(files: TlsFiles): string | undefined {
  try {
    readCertificates(files)
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

/** Reads the files; throws where they cannot serve TLS, as while one is written. */
function readCertificates(files: TlsFiles): Certificates {
  const cert = readFileSync(files.cert)
  const key = readFileSync(files.key)
  const ca = files.clientCa === undefined ? undefined : readFileSync(files.clientCa)
  // Loaded here alone: it takes 8 ms of the start, also where nobody speaks TLS.
  const { createSecureContext } = process.getBuiltinModule('node:tls')
  createSecureContext({ cert, key, ...(ca !== undefined && { ca }) })
  return { cert, key, ca }
}

/** Certificates that may change while they are used. */
export interface FollowedCertificates {
  readonly current: () => Certificates
  /** Calls the listener whenever `current` gives something new. */
  readonly onChanged: (listener: () => void) => void
  readonly close: () => void
}

/**
 * Follows certificate files. What is half-written, or new beside the old key, is not passed on: it
 * would cut off every client until the next look.
 */
export function followCertificates(
  files: TlsFiles,
  onFault: (cause: unknown) => void,
): FollowedCertificates {
  let current = readCertificates(files)
  const listeners: (() => void)[] = []
  const timer = setInterval(() => {
    let found: Certificates
    try {
      found = readCertificates(files)
    } catch (cause) {
      onFault(cause) // those in use stay until the files are whole again
      return
    }
    if (sameContent(found, current)) return
    current = found
    for (const listener of listeners) listener()
  }, refreshMs)
  timer.unref()
  return {
    current: () => current,
    onChanged: (listener) => void listeners.push(listener),
    close: () => clearInterval(timer),
  }
}

function sameContent(a: Certificates, b: Certificates): boolean {
  const sameCa = a.ca === undefined || b.ca === undefined ? a.ca === b.ca : a.ca.equals(b.ca)
  return sameCa && a.cert.equals(b.cert) && a.key.equals(b.key)
}
