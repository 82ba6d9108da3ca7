import type { TestProject } from 'vitest/node'
import { obtainEnvoys } from '../support/interop-envoys.ts'
import { buildInteropTools } from '../support/interop-tools.ts'

/** What cannot be had fails the run: nothing is skipped. */
export default async function setup(project: TestProject): Promise<void> {
  project.provide('interopTools', await buildInteropTools())
  project.provide('envoys', await obtainEnvoys())
}
