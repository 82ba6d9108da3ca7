import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Paths of a certificate and its key. */
export interface CertificateFiles {
  readonly cert: string
  readonly key: string
}

/** An authority with a key of its own. */
export interface Authority extends CertificateFiles {
  /** A certificate for `localhost` and 127.0.0.1, as a server or a client may use it. */
  readonly issue: (name: string) => CertificateFiles
}

/** Makes an authority with openssl in a new folder under `parent`. */
export function createAuthority(parent: string, name: string): Authority {
  const folder = join(parent, name)
  mkdirSync(folder)
  const path = (file: string): string => join(folder, file)
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const authority = { cert: path('ca.crt'), key: path('ca.key') }
  openssl('req', '-x509', ...newKey, '-keyout', authority.key, '-out', authority.cert, [
    ...['-days', '2', '-subj', `/CN=${name}`],
  ])
  return {
    ...authority,
    issue(leaf) {
      const files = { cert: path(`${leaf}.crt`), key: path(`${leaf}.key`) }
      const [request, extensions] = [path(`${leaf}.csr`), path(`${leaf}.ext`)]
      writeFileSync(extensions, 'subjectAltName=DNS:localhost,IP:127.0.0.1\n')
      openssl('req', ...newKey, '-keyout', files.key, '-out', request, ['-subj', `/CN=${leaf}`])
      openssl('x509', '-req', '-in', request, '-CA', authority.cert, '-CAkey', authority.key, [
        ...['-CAcreateserial', '-days', '1', '-extfile', extensions, '-out', files.cert],
      ])
      return files
    },
  }
}

function openssl(...args: readonly (string | readonly string[])[]): void {
  execFileSync('openssl', args.flat(), { stdio: ['ignore', 'ignore', 'pipe'] })
}

/** Puts the content of one file in the place of another, as a careful writer does. */
export function replaceFile(target: string, source: string): void {
  const next = `${target}.next`
  writeFileSync(next, readFileSync(source))
  renameSync(next, target)
}
