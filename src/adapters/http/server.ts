import type { Server } from 'node:https'
import fastify, { type FastifyInstance, type FastifyReply } from 'fastify'
import { AppError } from '../../domain/errors.ts'
import { createOpenApi } from './openapi.ts'
import { createOpsRoutes, type OpsRoutesDeps } from './ops-routes.ts'
import { createErrorHandler, sendBadRequest, sendNotFound } from './problem.ts'
import { readTlsFiles, renewCertificates, type TlsFiles } from './tls-files.ts'

/** Adds routes to the server, in a scope of their own. */
export type HttpRoutes = (scope: FastifyInstance) => void

/** How the HTTP server is made. */
export interface HttpServerOptions extends OpsRoutesDeps {
  readonly listen: { readonly host: string; readonly port: number }
  readonly tls: TlsFiles | undefined
  /** What is served beside the ops endpoints (`createUserRoutes` …). */
  readonly routes?: readonly HttpRoutes[]
  readonly onFault: (cause: unknown) => void
}

/** A listening HTTP server. */
export interface HttpServer {
  readonly address: string
  readonly close: () => Promise<void>
}

const maxBodyBytes = 64 * 1024
/** As long as Node lets a request's head be: no handler has to expect less, or gets more. */
const maxParamLength = 16_384

/** Serves the ops endpoints, the routes it is given and `/openapi.json` (contract section 7). */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { listen, onFault, tls } = options
  const server = createServer(tls)
  server.setNotFoundHandler((_request, reply) => sendNotFound(reply))
  server.setErrorHandler(createErrorHandler(onFault))
  for (const routes of [createOpenApi(server), createOpsRoutes(options), ...(options.routes ?? [])])
    server.register((scope, _options, done) => {
      routes(scope)
      done()
    })

  const stopWatching =
    tls === undefined
      ? () => undefined
      : renewCertificates(server.server as unknown as Server, tls, onFault)
  const close = async (): Promise<void> => {
    stopWatching()
    await server.close()
  }
  try {
    await server.listen({ host: listen.host, port: listen.port })
  } catch (cause) {
    await close()
    const why = cause instanceof Error ? cause.message : 'unknown error'
    throw new AppError('CONFIG_INVALID', `cannot listen on ${listen.host}:${listen.port}: ${why}`, {
      cause,
    })
  }
  return { address: addressOf(server, listen), close }
}

function createServer(tls: TlsFiles | undefined): FastifyInstance {
  const common = {
    bodyLimit: maxBodyBytes,
    requestTimeout: 10_000,
    // A client that never ends its request must not hold up the drain.
    forceCloseConnections: true,
    routerOptions: { maxParamLength },
    // What a schema does not know is a mistake to be told, never to be silently left out.
    ajv: { customOptions: { removeAdditional: false } },
    // Paths that cannot be decoded never come to a handler.
    frameworkErrors: (_error: unknown, _request: unknown, reply: FastifyReply) => {
      sendBadRequest(reply)
    },
  }
  return (
    tls === undefined ? fastify(common) : fastify({ ...common, https: readTlsFiles(tls) })
  ) as FastifyInstance
}

function addressOf({ server }: FastifyInstance, listen: HttpServerOptions['listen']): string {
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : listen.port
  const host = listen.host.includes(':') ? `[${listen.host}]` : listen.host
  return `${host}:${port}`
}
