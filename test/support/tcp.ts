import { connect } from 'node:net'

/** Sends `text` and gives the first thing that comes back; for protocols spoken in lines. */
export function exchange(url: string, text: string, timeoutMs = 2_000): Promise<string> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port), timeout: timeoutMs })
    socket.setEncoding('utf8')
    socket.once('connect', () => socket.write(text))
    socket.once('data', (answer: string) => {
      resolve(answer)
      socket.destroy()
    })
    socket.once('timeout', () => socket.destroy(new Error('no answer')))
    socket.once('error', reject)
  })
}
