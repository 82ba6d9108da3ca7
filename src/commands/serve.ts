import { flushCompileCache } from 'node:module'
import { createLogger } from '../adapters/pino/logger.ts'
import { messageOf } from '../application/faults.ts'
import { readConfig, type Config } from '../config.ts'
import { isLogFile } from '../config-log.ts'
import type { Service, ServiceDeps, ServiceLog } from '../service.ts'
import { keepObjectsYoung } from '../young-objects.ts'
import { parseArguments } from './arguments.ts'
import { exit, UsageError } from './exit.ts'
import { faultLine, loadPolicy, readText } from './files.ts'
import { complain } from './output.ts'

const usage = 'tenantgate serve   (configured by the environment: see docs/configuration.md)'

/** Runs the service until SIGTERM or SIGINT; resolves with the exit status. */
export async function serve(args: readonly string[]): Promise<number> {
  if (parseArguments(args, usage).words.length > 0) throw new UsageError(`usage: ${usage}`)
  const reading = readConfig(process.env)
  const faults: string[] = []
  if ('faults' in reading) {
    for (const { variable, message } of reading.faults) faults.push(`${variable}: ${message}`)
  }
  const policyFile =
    'config' in reading
      ? reading.config.policy
      : (process.env['TENANTGATE_POLICY'] ?? 'policy.yaml')
  const policyText = readPolicyText(policyFile, faults)
  const loading = policyText === undefined ? undefined : loadPolicy(policyText)
  if (loading !== undefined && 'faults' in loading) {
    for (const fault of loading.faults) faults.push(faultLine(policyFile, fault))
  }
  if ('faults' in reading || loading === undefined || 'faults' in loading) {
    complain(`tenantgate cannot start:\n${faults.map((fault) => `  ${fault}`).join('\n')}`)
    return exit.usage
  }
  const { config, warnings } = reading
  const logger = createLogger(config.logLevel)
  const { log } = logger
  for (const warning of warnings) log.warn(warning)
  const { policy } = loading
  const service = await start(config, { policy, policyText: policyText ?? '', loadPolicy, log })
  // A terminal that goes away still ends what it started, unless there is a file to reopen.
  if (isLogFile(config.decisionLog) || !process.stdin.isTTY) {
    process.on('SIGHUP', service.reopenLog)
  }
  flushCompileCache() // a process that is killed later would not keep it
  const { grpcAddress: grpc, httpAddress: http, workerAddresses: workers } = service
  log.info({ grpc, http, ...(workers !== undefined && { workers }) }, 'listening')
  await stopped(service, config.drainMs, log.info.bind(log))
  await logger.close()
  // Whatever still holds the process, as a reader that no longer reads, must not keep it.
  process.exit(exit.holds)
}

/** Starts what answers checks here, or in processes of its own. */
async function start(
  config: Config,
  deps: ServiceDeps,
): Promise<Service & { readonly workerAddresses?: readonly string[] }> {
  if (config.workers === 1) {
    keepObjectsYoung() // before anything of a check is compiled
    return (await import('../compose-alone.ts')).startAlone(config, deps)
  }
  const starting = import('../compose-workers.ts').then((part) => part.startWorkers(config, deps))
  process.on('SIGUSR2', () => void replaceWorkers(starting, deps.log))
  return starting
}

async function replaceWorkers(
  starting: Promise<{ readonly replaceWorkers: () => Promise<void> }>,
  log: ServiceLog,
): Promise<void> {
  log.info({}, 'SIGUSR2: workers are replaced one after another')
  try {
    await (await starting).replaceWorkers()
    log.info({}, 'all workers were replaced')
  } catch (cause) {
    log.error({ cause: messageOf(cause) }, 'not all workers were replaced')
  }
}

function readPolicyText(file: string, faults: string[]): string | undefined {
  try {
    return readText(file)
  } catch (error) {
    faults.push(`TENANTGATE_POLICY: ${(error as Error).message}`)
    return undefined
  }
}

/**
 * Resolves once a signal came and the service has drained: NOT_SERVING, wait until every gateway
 * has seen it, GOAWAY, finish what is under way (measured: only then does no request fail). A
 * second signal ends the process at once.
 */
async function stopped(
  service: Service,
  drainMs: number,
  tell: (message: string) => void,
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<undefined>()
  let stopping = false
  const stop = (signal: NodeJS.Signals): void => {
    if (stopping) process.exit(1)
    stopping = true
    tell(`${signal}: draining for ${drainMs} ms`)
    service.drain()
    setTimeout(() => resolve(undefined), drainMs)
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  await promise
  await service.close()
  tell('stopped')
}
