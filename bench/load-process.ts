import { setTimeout as pause } from 'node:timers/promises'
import { Client, credentials } from '@grpc/grpc-js'
import { requestBytes, tokenOf } from '../test/support/instance.ts'
import type { Route } from '../test/support/freshness-policy.ts'

/** What a load process is told: whom it asks for, where, and how fast. */
export interface LoadOrder {
  readonly address: string
  readonly route: Route
  /** Users `<prefix>-u<n>` in `<prefix>-o<n>`, n from `first` on. */
  readonly prefix: string
  readonly first: number
  readonly count: number
  /** Requests a second. */
  readonly rate: number
  /** Each is asked for once, then it ends; else over and over until it is killed. */
  readonly once: boolean
  /** Claims of each token. */
  readonly claims: 'organization role' | 'none'
}

/** What it tells once a second, counted from its start. */
export interface LoadReport {
  readonly asked: number
  readonly allowed: number
  readonly failed: number
  readonly done: boolean
}

const tickMs = 5
const maxUnanswered = 512
const method = '/envoy.service.auth.v3.Authorization/Check'
const identity = (bytes: Buffer): Buffer => bytes

/** The first field is the status; its code is absent or 0 on an allow. */
function isAllow(answer: Buffer | undefined): boolean {
  if (answer?.[0] !== 0x0a) return false
  return answer[1] === 0 || (answer[2] === 0x08 && answer[3] === 0)
}

async function run(order: LoadOrder): Promise<void> {
  const client = new Client(order.address, credentials.createInsecure())
  const count = { asked: 0, allowed: 0, failed: 0 }
  let unanswered = 0
  const known: Buffer[] = []

  function bytesOf(index: number): Buffer {
    const ready = known[index]
    if (ready !== undefined) return ready
    const n = order.first + index
    const person = { user: `${order.prefix}-u${n}`, organization: `${order.prefix}-o${n}` }
    const iat = Math.floor(Date.now() / 1000)
    const token = tokenOf(person, order.claims === 'none' ? {} : { orgRole: 'staff', iat })
    const bytes = requestBytes(person, order.route, token)
    if (!order.once) known[index] = bytes
    return bytes
  }

  function ask(index: number): void {
    unanswered += 1
    count.asked += 1
    const bytes = bytesOf(index)
    client.makeUnaryRequest(method, identity, identity, bytes, (error, answer?: Buffer) => {
      unanswered -= 1
      if (error !== null) count.failed += 1
      else if (isAllow(answer)) count.allowed += 1
    })
  }

  const report = (done: boolean): void => void process.send?.({ ...count, done })
  const telling = setInterval(() => report(false), 1_000)
  const startMs = performance.now()
  let next = 0
  while (!order.once || next < order.count) {
    const due = ((performance.now() - startMs) / 1_000) * order.rate
    while (next < due && unanswered < maxUnanswered && (!order.once || next < order.count)) {
      ask(next % order.count)
      next += 1
    }
    await pause(tickMs)
  }
  while (unanswered > 0) await pause(tickMs)
  clearInterval(telling)
  report(true)
  client.close()
  process.disconnect?.()
}

process.once('message', (order) => void run(order as LoadOrder))
