import { connect, type OutgoingHttpHeaders } from 'node:http2'
import { createServer, type AddressInfo, type Socket } from 'node:net'

const prefaceBytes = 24
const headersFrame = 1
const continuationFrame = 9
const endHeaders = 4

/** The header blocks in what a client wrote. */
function blocksIn(written: Buffer): Uint8Array[] {
  const blocks: Uint8Array[] = []
  let parts: Buffer[] = []
  let at = prefaceBytes
  while (at + 9 <= written.length) {
    const end = at + 9 + written.readUIntBE(at, 3)
    if (end > written.length) break
    const type = written.readUInt8(at + 3)
    if (type === headersFrame || type === continuationFrame) {
      parts.push(written.subarray(at + 9, end))
      if ((written.readUInt8(at + 4) & endHeaders) !== 0) {
        blocks.push(Buffer.concat(parts))
        parts = []
      }
    }
    at = end
  }
  return blocks
}

/** The blocks that node:http2, whose encoder is nghttp2's, sends for requests on one connection. */
export async function captureHeaderBlocks(
  requests: readonly OutgoingHttpHeaders[],
): Promise<Uint8Array[]> {
  const chunks: Buffer[] = []
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array[]>()
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', reject)
    // Empty SETTINGS, which are the defaults, and more streams than it asks for.
    socket.write(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]))
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      const blocks = blocksIn(Buffer.concat(chunks))
      if (blocks.length >= requests.length) resolve(blocks)
    })
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  client.on('error', reject)
  try {
    for (const headers of requests) {
      const request = client.request(headers)
      request.on('error', () => undefined) // it is given up with the connection
    }
    return await promise
  } finally {
    client.destroy()
    for (const socket of sockets) socket.destroy()
    server.close()
  }
}
