import type { EdgeUpstream } from '../../domain/edge.ts'
import { isIpAddress, loadAssignment } from './render-address.ts'
import { clusterName } from './render-routes.ts'

/** Where the images of Envoy, Debian and Alpine keep the certificates that they trust. */
export const usualCa = '/etc/ssl/certs/ca-certificates.crt'

/** The cluster of an upstream, as an `envoy.config.cluster.v3.Cluster`. */
export function upstreamCluster({ address, name }: EdgeUpstream, ca: string): object {
  const cluster = clusterName(name)
  return {
    name: cluster,
    type: 'STRICT_DNS',
    connect_timeout: '1s',
    dns_lookup_family: address.ip === 6 ? 'V6_ONLY' : 'V4_PREFERRED',
    ...(address.tls ? { transport_socket: tlsSocket({ ca }, [address.host]) } : {}),
    load_assignment: loadAssignment(cluster, [address]),
  }
}

/** The files of a TLS client: what it trusts, and what it shows where the other side asks. */
export interface ClientTls {
  readonly ca: string
  readonly own?: { readonly cert: string; readonly key: string } | undefined
}

/**
 * The socket of a TLS client, for servers of these names. Without a validation context Envoy takes
 * any certificate, and so anybody for the server.
 */
export function tlsSocket({ ca, own }: ClientTls, hosts: readonly string[], alpn?: string): object {
  const [host = ''] = hosts
  return {
    name: 'envoy.transport_sockets.tls',
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext',
      ...(isIpAddress(host) ? {} : { sni: host }),
      common_tls_context: {
        ...(alpn === undefined ? {} : { alpn_protocols: [alpn] }),
        ...(own === undefined ? {} : { tls_certificates: [certificateOf(own)] }),
        validation_context: {
          trusted_ca: { filename: ca },
          match_typed_subject_alt_names: hosts.map((exact) => ({
            san_type: isIpAddress(exact) ? 'IP_ADDRESS' : 'DNS',
            matcher: { exact },
          })),
        },
      },
    },
  }
}

const certificateOf = ({ cert, key }: { readonly cert: string; readonly key: string }): object => ({
  certificate_chain: { filename: cert },
  private_key: { filename: key },
})
