import type { FastifyInstance } from 'fastify'
import type { PublishedKeys } from '../../ports/assertion-signer.ts'
import type { RouteSchema } from './openapi.ts'

/** `/.well-known/jwks.json`: the keys that verify identity assertions, for everybody. */
export function createJwksRoute(published: () => PublishedKeys) {
  return (scope: FastifyInstance): void => {
    scope.get('/.well-known/jwks.json', { schema: jwks }, (_request, reply) => {
      const { keys, maxAgeS } = published()
      return reply.header('cache-control', `public, max-age=${maxAgeS}`).send({ keys })
    })
  }
}

const text = { type: 'string' } as const

const jwks: RouteSchema = {
  operationId: 'jwks',
  summary: 'Public keys of identity assertions (RFC 7517)',
  tags: ['Assertions'],
  response: {
    200: {
      description: 'The keys in force, those that were lately, and the next.',
      headers: { 'cache-control': { schema: text } },
      content: {
        'application/json': {
          schema: {
            title: 'Jwks',
            type: 'object',
            required: ['keys'],
            properties: {
              keys: {
                type: 'array',
                items: {
                  type: 'object',
                  required: ['kty', 'crv', 'x', 'kid', 'alg', 'use'],
                  properties: { kty: text, crv: text, x: text, kid: text, alg: text, use: text },
                },
              },
            },
          },
        },
      },
    },
  },
}
