import { randomInt } from 'node:crypto'
import { isPortFree } from '../../src/adapters/servers/ports.ts'

const first = 20_000
const last = 32_000

/** The first of that many ports in a row that nobody listens on now. */
export async function freePorts(count: number): Promise<number> {
  for (;;) {
    const port = randomInt(first, last)
    const ports = Array.from({ length: count }, (_, index) => port + index)
    const free = await Promise.all(ports.map((one) => isPortFree(one)))
    if (free.every(Boolean)) return port
  }
}
