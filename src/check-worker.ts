import '../bin/require-node.js'
import { flushCompileCache } from 'node:module'
import { createLogger } from './adapters/pino/logger.ts'
import { connectSupervisor } from './adapters/processes/supervisor.ts'
import { messageOf } from './application/faults.ts'
import { loadPolicy } from './commands/files.ts'
import { complain } from './commands/output.ts'
import { createWorker } from './compose-worker.ts'
import { AppError } from './domain/errors.ts'
import { version } from './version.ts'
import { readWorkerStart, type WorkerStart } from './worker-start.ts'
import { keepObjectsYoung } from './young-objects.ts'

/** A process that answers checks, started by the one that has `serve` in its command line. */

keepObjectsYoung() // before anything of a check is compiled
let begin: (start: WorkerStart) => void = () => undefined
const started = new Promise<WorkerStart>((resolve) => (begin = resolve))
const supervisor = connectSupervisor<WorkerStart>({
  readStart: (value) => readWorkerStart(value, version),
  onOrder(order) {
    if (order.type === 'start') begin(order.start)
    else worker.obey(order)
  },
  onGone: () => worker.abandon(),
  onStrange() {
    // Of another release: it must not decide by what it only half understands.
    complain(`tenantgate: the files of ${version} are not those that the service was started from`)
    process.exit(1)
  },
})
if (supervisor === undefined) {
  complain('this is run by `tenantgate serve` alone')
  process.exit(2)
}
const worker = createWorker({
  tell: supervisor.tell,
  loadPolicy,
  exit: (status) => void closeLog().then(() => process.exit(status)),
})
let closeLog = (): Promise<void> => Promise.resolve()
// A terminal's signals reach all processes; what follows from them the supervisor says.
for (const signal of ['SIGINT', 'SIGHUP', 'SIGUSR2'] as const) process.on(signal, () => undefined)
process.on('SIGTERM', () => void supervisor.tell({ type: 'leaving' }))

const start = await started
const { close, log } = createLogger(start.config.logLevel)
closeLog = close
try {
  await worker.begin(start, log.child({ worker: start.index }))
  if (start.index === 0) flushCompileCache() // a process that is killed later would not keep it
} catch (error) {
  const code = error instanceof AppError ? error.code : 'UNKNOWN'
  await supervisor.tell({ type: 'failed', code, message: messageOf(error) })
  await close()
  process.exit(1)
}
