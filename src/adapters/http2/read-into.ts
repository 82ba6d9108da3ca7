import { Socket, type SocketConstructorOpts } from 'node:net'

/** What of libuv's handle is used; it is not documented. */
interface Handle {
  readonly useUserBuffer?: unknown
}

/**
 * Gives an accepted socket that reads into `buffer`, which all may share: each read is judged before
 * the next. `net.Server` cannot be told so, and a new buffer for each read costs more than the rest of
 * it. So the handle is taken over by a new socket; `undefined` where this Node does not allow that.
 * The accepted socket must have been paused (`pauseOnConnect`).
 */
export function readInto(
  buffer: Buffer,
  accepted: Socket,
  onRead: (bytes: Buffer, length: number) => void,
): Socket | undefined {
  const owner = accepted as unknown as { _handle?: Handle | null }
  const handle = owner._handle
  if (typeof handle?.useUserBuffer !== 'function') return undefined
  owner._handle = null
  const socket = new Socket({
    handle,
    onread: {
      buffer,
      callback(length: number, bytes: Buffer) {
        onRead(bytes, length)
        return true
      },
    },
  } as unknown as SocketConstructorOpts)
  // The server counts the accepted one.
  socket.once('close', () => accepted.destroy())
  return socket
}
