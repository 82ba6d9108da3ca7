import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import type { experimental } from '@grpc/grpc-js'

type CertificateProvider = experimental.CertificateProvider
type CaListener = Parameters<CertificateProvider['addCaCertificateListener']>[0]
type IdentityListener = Parameters<CertificateProvider['addIdentityCertificateListener']>[0]

/** Files of a TLS listener; with `clientCa` clients must present a certificate of that authority. */
export interface TlsFiles {
  readonly cert: string
  readonly key: string
  readonly clientCa?: string
}

/** How often certificate files are looked at for a change, in ms. */
const refreshMs = 1_000

/** The content of TLS files, whole and fitting together. */
interface Certificates {
  readonly cert: Buffer
  readonly key: Buffer
  readonly ca: Buffer | undefined
}

/** Reads the files; throws where they cannot serve TLS, as while one is written. */
export function readCertificates(files: TlsFiles): Certificates {
  const cert = readFileSync(files.cert)
  const key = readFileSync(files.key)
  const ca = files.clientCa === undefined ? undefined : readFileSync(files.clientCa)
  createSecureContext({ cert, key, ...(ca !== undefined && { ca }) })
  return { cert, key, ca }
}

/**
 * Follows certificate files for grpc-js. Its own watcher passes on whatever it finds: a certificate
 * that is half-written, or new beside the old key, would cut off every client until the next look.
 */
export function followCertificates(
  files: TlsFiles,
  onFault: (cause: unknown) => void,
): { readonly provider: CertificateProvider; readonly close: () => void } {
  let current = readCertificates(files)
  const caListeners = new Set<CaListener>()
  const identityListeners = new Set<IdentityListener>()
  const tellCa = (listener: CaListener): void =>
    listener(current.ca === undefined ? null : { caCertificate: current.ca })
  const tellIdentity = (listener: IdentityListener): void =>
    listener({ certificate: current.cert, privateKey: current.key })

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
    caListeners.forEach(tellCa)
    identityListeners.forEach(tellIdentity)
  }, refreshMs)
  timer.unref()
  return {
    close: () => clearInterval(timer),
    provider: {
      addCaCertificateListener(listener) {
        caListeners.add(listener)
        // grpc-js subscribes to its own credentials only after it has subscribed them here.
        process.nextTick(tellCa, listener)
      },
      removeCaCertificateListener: (listener) => void caListeners.delete(listener),
      addIdentityCertificateListener(listener) {
        identityListeners.add(listener)
        process.nextTick(tellIdentity, listener)
      },
      removeIdentityCertificateListener: (listener) => void identityListeners.delete(listener),
    },
  }
}

function sameContent(a: Certificates, b: Certificates): boolean {
  const sameCa = a.ca === undefined || b.ca === undefined ? a.ca === b.ca : a.ca.equals(b.ca)
  return sameCa && a.cert.equals(b.cert) && a.key.equals(b.key)
}
