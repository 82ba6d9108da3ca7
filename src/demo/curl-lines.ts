import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Personas } from './personas.ts'

/** Lines that work when they are pasted into a shell, and what each must give. */
export interface CurlLines {
  readonly lines: readonly {
    readonly persona: string
    readonly command: string
    readonly gives: string
  }[]
  readonly remove: () => Promise<void>
}

/** Writes each persona's token to a file of its own, and makes the lines that use them. */
export async function writeCurlLines(personas: Personas, envoyUrl: string): Promise<CurlLines> {
  const folder = await mkdtemp(join(tmpdir(), 'tenantgate-demo-'))
  for (const { name, token } of personas.all) {
    await writeFile(join(folder, name), token, { mode: 0o600 })
  }
  const { acme, globex } = personas.organizations
  const line = (persona: string, what: string, gives: string) => ({
    persona,
    command: `curl -s -H "authorization: Bearer $(cat ${join(folder, persona)})" ${what}`,
    gives,
  })
  const leave = `${envoyUrl}/api/v1/organizations/${acme}/leave`
  const theirs = `${envoyUrl}/api/v1/organizations/${globex}/leave`
  return {
    lines: [
      line(
        'acme-owner',
        `-X POST ${envoyUrl}/api/v1/organizations/${acme}/reports/r1/export`,
        '200',
      ),
      line('acme-admin', `${envoyUrl}/api/v1/organizations/${acme}/members`, '200'),
      line('acme-staff', `-X POST ${leave}/l1/approve`, '200'),
      line('acme-viewer', leave, '200'),
      line('acme-viewer', `-X POST ${leave}/l1/approve`, '403 permission_denied'),
      line('globex-owner', leave, '403 tenant_mismatch'),
      line('banned', leave, '403 banned'),
      line('outsider', leave, '403 not_a_member'),
      line('outsider', `${envoyUrl}/api/v1/me`, '200'),
      line('superadmin', theirs, '200'),
      { persona: 'nobody', command: `curl -s ${leave}`, gives: '401 missing_credential' },
      { persona: 'nobody', command: `curl -s ${envoyUrl}/healthz`, gives: '200' },
    ],
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}
