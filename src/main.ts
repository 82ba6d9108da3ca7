#!/usr/bin/env node
import '../bin/require-node.js'
import { HelpRequest } from './commands/arguments.ts'
import { exit, exitStatusOf } from './commands/exit.ts'
import { complain, print } from './commands/output.ts'
import { exitOnEarlySignals } from './early-exit.ts'

if (process.pid === 1) exitOnEarlySignals(['SIGTERM', 'SIGINT'])

/** Commands load when they are called, so that none pays for another's libraries. */
const commands: Readonly<Record<string, (args: readonly string[]) => Promise<number>>> = {
  serve: async (args) => (await import('./commands/serve.ts')).serve(args),
  demo: async (args) => (await import('./commands/demo.ts')).demo(args),
  lint: async (args) => (await import('./commands/lint.ts')).lint(args),
  test: async (args) => (await import('./commands/test.ts')).test(args),
  explain: async (args) => (await import('./commands/explain.ts')).explain(args),
  coverage: async (args) => (await import('./commands/coverage.ts')).coverage(args),
  replay: async (args) => (await import('./commands/replay.ts')).replay(args),
  envoy: async (args) => (await import('./commands/envoy.ts')).envoy(args),
  policy: async (args) => (await import('./commands/policy.ts')).policy(args),
  doctor: async (args) => (await import('./commands/doctor.ts')).doctor(args),
}

const usage = `usage: tenantgate COMMAND ...
  serve                       the ext_authz service, configured by the environment
  demo [--tour-only]          everything on this machine, behind a real Envoy
  lint POLICY                 every fault of a policy, with line and column
  test POLICY CASES...        runs policy cases
  explain --policy P ...      a decision, step by step
  coverage --policy P ...     what has no rule, what rules do nothing, who can call what
  replay LOG... [--policy P]  recorded decisions again: who gains, who loses access
  envoy --policy P ...        Envoy's configuration for a policy, whole or in parts
  policy init ...             a policy to start from, with the roles that Better Auth has
  doctor [--envoy ADMIN_URL]  what serve depends on: what is wrong, and how to mend it
tenantgate COMMAND --help tells the options of a command`

const [name = '', ...args] = process.argv.slice(2)
const command = Object.hasOwn(commands, name) ? commands[name] : undefined
try {
  if (command !== undefined) process.exitCode = await command(args)
  else {
    const helped = name === '--help' || name === '-h' || name === 'help'
    ;(helped ? print : complain)(helped ? usage : `unknown command "${name}"\n\n${usage}`)
    process.exitCode = helped ? exit.holds : exit.usage
  }
} catch (error) {
  if (error instanceof HelpRequest) print(`usage: ${error.message}`)
  else {
    complain(error instanceof Error ? error.message : String(error))
    process.exitCode = exitStatusOf(error)
  }
}
