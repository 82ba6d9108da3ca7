import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import type { AuthOptions } from './auth.ts'

export type Runtime = 'node' | 'bun'

export interface CallOptions {
  readonly method?: 'GET' | 'POST'
  readonly body?: unknown
  /** Session token of who calls. */
  readonly session?: string
}

/** A Better Auth server in a process of its own. */
export interface AuthProcess {
  readonly baseURL: string
  readonly log: () => string
  /** Rejects with status and body unless 2xx. */
  readonly call: <T = unknown>(path: string, options?: CallOptions) => Promise<T>
  /** The server-side call that has no endpoint. */
  readonly addMember: (body: unknown) => Promise<{ readonly id: string }>
  readonly kill: () => Promise<void>
}

export interface ServerOptions extends Omit<AuthOptions, 'baseURL'> {
  readonly port?: number
  /** Makes Better Auth's tables first, and the outbox too. */
  readonly prepare?: 'tables' | 'outbox'
}

/** Started as a user starts it, with this repository's Node or with the npm package `bun`. */
export async function startAuth(runtime: Runtime, options: ServerOptions): Promise<AuthProcess> {
  const child = spawn(
    runtime === 'bun' ? resolve('node_modules/.bin/bun') : process.execPath,
    ['test/better-auth/server.ts'],
    {
      env: {
        PATH: process.env['PATH'],
        AUTH_OPTIONS: JSON.stringify({ port: 0, ...options }),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  const ended = once(child, 'close')
  let log = ''
  const { promise: listening, reject, resolve: found } = Promise.withResolvers<string>()
  const note = (text: string) => {
    log += text
    const [, url] = /listening at (\S+)/.exec(log) ?? []
    if (url !== undefined) found(url)
  }
  child.stdout.setEncoding('utf8').on('data', note)
  child.stderr.setEncoding('utf8').on('data', note)
  child.on('error', reject)
  void ended.then(() => reject(new Error(`the server ended: ${log}`)))
  const baseURL = await listening
  const post = async (path: string, init: RequestInit) => {
    const response = await fetch(`${baseURL}${path}`, init)
    const answer = await response.text()
    if (!response.ok) throw new Error(`${path}: ${response.status} ${answer}`)
    return JSON.parse(answer) as unknown
  }
  return {
    baseURL,
    log: () => log,
    call: <T>(path: string, { body, method, session }: CallOptions = {}) =>
      post(`/api/auth${path}`, {
        method: method ?? (body === undefined ? 'GET' : 'POST'),
        headers: {
          origin: baseURL,
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...(session !== undefined && { authorization: `Bearer ${session}` }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      }) as Promise<T>,
    addMember: (body) =>
      post('/add-member', { method: 'POST', body: JSON.stringify(body) }) as Promise<{
        id: string
      }>,
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
  }
}
