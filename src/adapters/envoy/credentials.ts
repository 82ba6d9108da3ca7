import { experimental, ServerCredentials } from '@grpc/grpc-js'
import { followCertificates, readCertificates, type TlsFiles } from './certificates.ts'

/** Why the files cannot serve TLS, or undefined. */
export function tlsFault(files: TlsFiles): string | undefined {
  try {
    readCertificates(files)
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

/** Credentials that read their certificates again when the files change. */
export function serverCredentials(
  tls: TlsFiles | undefined,
  onFault: (cause: unknown) => void,
): { readonly credentials: ServerCredentials; readonly close: () => void } {
  if (tls === undefined) {
    return { credentials: ServerCredentials.createInsecure(), close: () => undefined }
  }
  const { provider, close } = followCertificates(tls, onFault)
  const mutual = tls.clientCa !== undefined
  return {
    close,
    credentials: experimental.createCertificateProviderServerCredentials(
      // grpc-js 1.14 declares these two the other way round: the first is the server's own.
      provider,
      mutual ? provider : null,
      mutual,
    ),
  }
}
