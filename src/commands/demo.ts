import { isPortFree } from '../adapters/servers/ports.ts'
import { obtainServers } from '../adapters/servers/obtain.ts'
import { writeCurlLines } from '../demo/curl-lines.ts'
import { createProgress } from '../demo/progress.ts'
import { startStack, type Stack } from '../demo/stack.ts'
import type { ScenePlayed } from '../demo/scene-player.ts'
import { playTour } from '../demo/tour.ts'
import { AppError } from '../domain/errors.ts'
import { parseArguments } from './arguments.ts'
import { exit, UsageError } from './exit.ts'
import { print } from './output.ts'

const usage = 'tenantgate demo [--tour-only]'
const envoyPort = 10_000
const tokenLifetime = '12h'

/** Runs everything on this machine, plays the tour, and stays up until Ctrl-C. */
export async function demo(args: readonly string[]): Promise<number> {
  const { words, flag } = parseArguments(args, usage, { flags: ['tour-only'] })
  if (words.length > 0) throw new UsageError(`usage: ${usage}`)
  const interrupted = untilInterrupted()
  const progress = createProgress(process.stderr)
  progress.step('obtaining PostgreSQL, Valkey, NATS and Envoy')
  const servers = await obtainServers({
    want: ['postgres', 'valkey', 'nats', 'envoy'],
    env: process.env,
    onProgress: progress.step,
  }).catch((cause: unknown) => {
    progress.done()
    throw new AppError('SERVER_UNAVAILABLE', (cause as Error).message, { cause })
  })
  let stack: Stack | undefined
  try {
    const listen = `127.0.0.1:${(await isPortFree(envoyPort)) ? envoyPort : 0}`
    stack = await startStack({
      postgresUrl: servers.postgres.url,
      redisUrl: servers.valkey.url,
      natsUrl: servers.nats.url,
      envoy: servers.envoy.url,
      tokens: 'EdDSA',
      tokenLifetime,
      envoyOptions: { listen },
      onProgress: progress.step,
    })
    progress.done()
    print(addresses(stack, { valkey: servers.valkey.url, nats: servers.nats.url }))
    const played = await playTour(stack, (scene) => print(sceneLine(scene)))
    const wrong = played.filter(({ differences }) => differences.length > 0).length
    print(
      wrong === 0
        ? `\nAll ${played.length} steps came out as told.`
        : `\n${wrong} of ${played.length} steps did not come out as told.`,
    )
    if (!flag('tour-only')) await stayUp(stack, interrupted)
    return wrong === 0 ? exit.holds : exit.findings
  } finally {
    progress.done()
    await stack?.close()
    await servers.close()
  }
}

async function stayUp({ personas, envoy }: Stack, interrupted: Promise<void>): Promise<void> {
  const curl = await writeCurlLines(personas, envoy.url)
  print('\nTry it yourself (each line works as it stands):\n')
  for (const { persona, command, gives } of curl.lines)
    print(`# ${persona}: ${gives}\n${command}\n`)
  print('Ctrl-C stops everything.')
  await interrupted
  await curl.remove()
}

/** The first Ctrl-C ends the demo in order; nothing is left behind. A second one does not wait. */
function untilInterrupted(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<undefined>()
  let stopping = false
  const stop = (): void => {
    if (stopping) process.exit(1)
    stopping = true
    resolve(undefined)
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  return promise
}

function addresses(
  { betterAuth, envoy, tenantgate, upstream, databaseUrl }: Stack,
  { valkey, nats }: { readonly valkey: string; readonly nats: string },
): string {
  const shown = new URL(databaseUrl)
  shown.password = ''
  return `
Envoy        ${envoy.url}  (admin ${envoy.adminUrl})
tenantgate   gRPC ${tenantgate.grpcAddress}, http://${tenantgate.httpAddress}/readyz
Better Auth  ${betterAuth.baseURL}/api/auth
upstream     ${upstream.url}  (answers with what it received)
PostgreSQL   ${shown.href}
Valkey       ${withoutPassword(valkey)}
NATS         ${withoutPassword(nats)}
`
}

function withoutPassword(url: string): string {
  const shown = new URL(url)
  shown.password = ''
  return shown.href
}

function sceneLine({ scene, status, reason, differences, ...shown }: ScenePlayed): string {
  const who = scene.persona ?? (scene.token === undefined ? 'nobody' : 'a forger')
  const outcome = shown.outcome ?? (reason === null ? String(status) : `${status} ${reason}`)
  const line = `${differences.length === 0 ? 'ok  ' : 'FAIL'}  ${outcome.padEnd(22)}  ${who.padEnd(12)}  ${scene.title}`
  return [line, ...differences.map((difference) => `        ${difference}`)].join('\n')
}
