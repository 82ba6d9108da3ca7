import { experimental, ServerCredentials } from '@grpc/grpc-js'
import { followCertificates, type FollowedCertificates, type TlsFiles } from './certificates.ts'

type CertificateProvider = experimental.CertificateProvider
type CaListener = Parameters<CertificateProvider['addCaCertificateListener']>[0]
type IdentityListener = Parameters<CertificateProvider['addIdentityCertificateListener']>[0]

/** Credentials of grpc-js that read their certificates again when the files change. */
export function serverCredentials(
  tls: TlsFiles | undefined,
  onFault: (cause: unknown) => void,
): { readonly credentials: ServerCredentials; readonly close: () => void } {
  if (tls === undefined) {
    return { credentials: ServerCredentials.createInsecure(), close: () => undefined }
  }
  const certificates = followCertificates(tls, onFault)
  const provider = providerOf(certificates)
  const mutual = tls.clientCa !== undefined
  return {
    close: certificates.close,
    credentials: experimental.createCertificateProviderServerCredentials(
      // grpc-js 1.14 declares these two the other way round: the first is the server's own.
      provider,
      mutual ? provider : null,
      mutual,
    ),
  }
}

/** The library's own watcher passes on whatever it finds, half-written or not. */
function providerOf({ current, onChanged }: FollowedCertificates): CertificateProvider {
  const caListeners = new Set<CaListener>()
  const identityListeners = new Set<IdentityListener>()
  const tellCa = (listener: CaListener): void => {
    const { ca } = current()
    listener(ca === undefined ? null : { caCertificate: ca })
  }
  const tellIdentity = (listener: IdentityListener): void => {
    const { cert, key } = current()
    listener({ certificate: cert, privateKey: key })
  }
  onChanged(() => {
    caListeners.forEach(tellCa)
    identityListeners.forEach(tellIdentity)
  })
  return {
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
  }
}
