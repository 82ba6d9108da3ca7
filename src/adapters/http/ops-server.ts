import { readFileSync, watchFile, unwatchFile } from 'node:fs'
import type { Server } from 'node:https'
import fastify, { type FastifyInstance, type FastifyReply } from 'fastify'
import type { ReadinessReport } from '../../application/readiness.ts'
import { AppError } from '../../domain/errors.ts'

/** What the operations endpoints tell. */
export interface OpsServerOptions {
  readonly listen: { readonly host: string; readonly port: number }
  readonly tls: { readonly cert: string; readonly key: string } | undefined
  readonly readiness: () => ReadinessReport
  readonly metrics: () => Promise<{ readonly contentType: string; readonly text: string }>
  readonly onFault: (cause: unknown) => void
}

/** A listening HTTP server. */
export interface OpsServer {
  readonly address: string
  readonly close: () => Promise<void>
}

const certificateRefreshMs = 1_000
const maxBodyBytes = 64 * 1024

/** Serves `/livez`, `/readyz` and `/metrics`, without authentication (contract section 7). */
export async function startOpsServer(options: OpsServerOptions): Promise<OpsServer> {
  const { listen, tls } = options
  const common = {
    bodyLimit: maxBodyBytes,
    requestTimeout: 10_000,
    // A client that never ends its request must not hold up the drain.
    forceCloseConnections: true,
    // Paths that cannot be decoded never come to a handler.
    frameworkErrors: (_error: unknown, _request: unknown, reply: FastifyReply) => {
      problem(reply, 400, 'The request cannot be read')
    },
  }
  const server = (
    tls === undefined ? fastify(common) : fastify({ ...common, https: readTlsFiles(tls) })
  ) as FastifyInstance
  const stopWatching = tls === undefined ? () => undefined : renewCertificates(server, tls, options)

  server.get('/livez', () => ({ status: 'alive' }))
  server.get('/readyz', (_request, reply) => {
    const report = options.readiness()
    const ready = report.status === 'ready' || report.status === 'degraded'
    return reply.code(ready ? 200 : 503).send(report)
  })
  server.get('/metrics', async (_request, reply) => {
    const { contentType, text } = await options.metrics()
    return reply.type(contentType).send(text)
  })
  server.setNotFoundHandler((_request, reply) => problem(reply, 404, 'There is nothing here'))
  server.setErrorHandler((error: { statusCode?: number }, _request, reply) => {
    const status = error.statusCode ?? 500
    if (status >= 500) options.onFault(error)
    return problem(reply, status, status >= 500 ? 'Internal error' : 'The request cannot be read')
  })
  try {
    await server.listen({ host: listen.host, port: listen.port })
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : 'unknown error'
    throw new AppError('CONFIG_INVALID', `cannot listen on ${listen.host}:${listen.port}: ${why}`, {
      cause,
    })
  }
  const address = server.server.address()
  const port = typeof address === 'object' && address !== null ? address.port : listen.port
  const host = listen.host.includes(':') ? `[${listen.host}]` : listen.host
  return {
    address: `${host}:${port}`,
    async close() {
      stopWatching()
      await server.close()
    },
  }
}

/** Errors are RFC 9457 problem documents. */
function problem(reply: FastifyReply, status: number, title: string): FastifyReply {
  return reply
    .code(status)
    .type('application/problem+json')
    .send({ type: 'about:blank', title, status })
}

function readTlsFiles(tls: { readonly cert: string; readonly key: string }) {
  return { cert: readFileSync(tls.cert), key: readFileSync(tls.key) }
}

function renewCertificates(
  server: FastifyInstance,
  tls: { readonly cert: string; readonly key: string },
  { onFault }: OpsServerOptions,
): () => void {
  const renew = (): void => {
    try {
      ;(server.server as unknown as Server).setSecureContext(readTlsFiles(tls))
    } catch (cause) {
      onFault(cause) // half-written files: the certificate in use stays until they are whole
    }
  }
  for (const file of [tls.cert, tls.key]) {
    watchFile(file, { interval: certificateRefreshMs, persistent: false }, renew)
  }
  return () => {
    for (const file of [tls.cert, tls.key]) unwatchFile(file, renew)
  }
}
