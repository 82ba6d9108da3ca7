import { writeFileSync } from 'node:fs'
import { readAccessControl } from '../adapters/better-auth/access-control.ts'
import { startingPolicyText } from '../adapters/files/starting-policy.ts'
import { AppError } from '../domain/errors.ts'
import { startingPolicy } from '../domain/starting-policy.ts'
import { parseArguments } from './arguments.ts'
import { exit, UsageError } from './exit.ts'
import { print } from './output.ts'

const usage = `tenantgate policy init --from-better-auth FILE [--output POLICY]
  --from-better-auth  a module that exports "roles" and "ac" of Better Auth's access control, or "auth"
  --output            the policy file to write, which must not be there yet; default policy.yaml`

/** Writes a policy to start from: the roles and permissions that Better Auth has, and no routes yet. */
export async function policy(args: readonly string[]): Promise<number> {
  const { one, words } = parseArguments(args, usage, { values: ['from-better-auth', 'output'] })
  const file = one('from-better-auth')
  const output = one('output') ?? 'policy.yaml'
  if (words.length !== 1 || words[0] !== 'init' || file === undefined) {
    throw new UsageError(`usage: ${usage}`)
  }
  try {
    await writeStartingPolicy(file, output)
    return exit.holds
  } finally {
    // The module may have opened what keeps this process alive, as a database pool.
    setImmediate(() => process.exit())
  }
}

async function writeStartingPolicy(file: string, output: string): Promise<void> {
  const found = startingPolicy(await readAccessControl(file))
  if ('unnameable' in found) {
    const names = found.unnameable.map((name) => `"${name}"`).join(', ')
    throw new AppError('INPUT_INVALID', `a policy cannot name these permissions: ${names}`)
  }
  write(output, startingPolicyText(found, file))
  const count = Object.keys(found.roles).length
  print(`${output}: ${count} roles, ${found.permissions.length} permissions; now add the routes`)
}

function write(file: string, text: string): void {
  try {
    writeFileSync(file, text, { flag: 'wx' })
  } catch (cause) {
    const there = (cause as NodeJS.ErrnoException).code === 'EEXIST'
    const why = there ? 'it is there already, and stays as it is' : (cause as Error).message
    throw new AppError('CONFIG_INVALID', `cannot write ${file}: ${why}`, { cause })
  }
}
