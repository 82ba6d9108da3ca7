import { readFileSync, unwatchFile, watchFile } from 'node:fs'
import type { Server } from 'node:https'

/** Files of a certificate and its key, in PEM. */
export interface TlsFiles {
  readonly cert: string
  readonly key: string
}

const refreshMs = 1_000

/** What the files hold now. */
export function readTlsFiles({ cert, key }: TlsFiles) {
  return { cert: readFileSync(cert), key: readFileSync(key) }
}

/** Serves what the files hold whenever they change. Returns how to stop looking. */
export function renewCertificates(
  server: Server,
  tls: TlsFiles,
  onFault: (cause: unknown) => void,
): () => void {
  const renew = (): void => {
    try {
      server.setSecureContext(readTlsFiles(tls))
    } catch (cause) {
      onFault(cause) // half-written files: the certificate in use stays until they are whole
    }
  }
  const files = [tls.cert, tls.key]
  for (const file of files) watchFile(file, { interval: refreshMs, persistent: false }, renew)
  return () => {
    for (const file of files) unwatchFile(file, renew)
  }
}
