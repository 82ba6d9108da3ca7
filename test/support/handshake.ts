import { readFileSync } from 'node:fs'
import { connect, type ConnectionOptions } from 'node:tls'
import type { CertificateFiles } from './certificates.ts'

/**
 * Opens a TLS connection and gives the common name of the server's certificate. With TLS 1.3 a
 * server refuses a client only after the client is done, so it waits for the server's first words.
 */
export function handshake(
  address: string,
  options: {
    readonly ca: string
    readonly client?: CertificateFiles
    readonly protocol?: 'h2' | 'http/1.1'
  } & Pick<ConnectionOptions, 'maxVersion'>,
): Promise<string> {
  const { protocol = 'h2', client, ca, ...rest } = options
  const colon = address.lastIndexOf(':')
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const socket = connect({
    host: address.slice(0, colon),
    port: Number(address.slice(colon + 1)),
    servername: 'localhost',
    ca: readFileSync(ca),
    ALPNProtocols: [protocol],
    ...(client && { cert: readFileSync(client.cert), key: readFileSync(client.key) }),
    ...rest,
  })
  let name = ''
  socket.once('secureConnect', () => {
    const { CN } = socket.getPeerCertificate().subject
    name = String(CN)
    if (protocol === 'http/1.1') socket.write('GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n')
    // The preface of HTTP/2 and empty SETTINGS.
    else socket.write(Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0', 'latin1'))
  })
  socket.once('data', () => {
    resolve(name)
    socket.destroy()
  })
  socket.once('error', reject)
  socket.once('close', () => reject(new Error('closed without a word')))
  return promise
}
