import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { followPolicyFile } from '../../../src/adapters/files/policy-file.ts'
import { createPolicyStore } from '../../../src/application/policy-store.ts'
import { loadPolicy, policyFrom } from '../../support/builders.ts'
import { during, eventually } from '../../support/eventually.ts'

const folder = mkdtempSync(join(tmpdir(), 'tenantgate-policy-'))
const closers: (() => void)[] = []
afterAll(() => {
  for (const close of closers) close()
  rmSync(folder, { recursive: true })
})

/** A file of its own in a folder of its own, followed from its first text on. */
function follow(file: string, text: string) {
  const seen: (string | { readonly unreadable: unknown })[] = []
  const followed = followPolicyFile({
    file,
    text,
    onChange: (changed) => seen.push(changed),
    onUnreadable: (cause) => seen.push({ unreadable: cause }),
  })
  closers.push(followed.close)
  return { seen, close: followed.close }
}

function fileWith(text: string): string {
  const file = join(mkdtempSync(join(folder, 'own-')), 'policy.yaml')
  writeFileSync(file, text)
  return file
}

function replace(file: string, text: string): void {
  writeFileSync(`${file}.next`, text)
  renameSync(`${file}.next`, file)
}

const unreadable = { unreadable: expect.any(Error) as Error }
/** Longer than it takes to look again. */
const aWhileMs = 800

describe.concurrent('a policy file that is followed', () => {
  it('tells what is written into it', async () => {
    const file = fileWith('one')
    const { seen } = follow(file, 'one')
    writeFileSync(file, 'two')
    await eventually(() => seen.includes('two'))
    writeFileSync(file, 'three')
    await eventually(() => seen.includes('three'))
  })

  it('tells what replaces it by a rename, as editors do, time and again', async () => {
    const file = fileWith('one')
    const { seen } = follow(file, 'one')
    for (const text of ['two', 'three', 'four']) {
      replace(file, text)
      await eventually(() => seen.at(-1) === text)
    }
    expect(seen).toEqual(['two', 'three', 'four'])
  })

  it('tells what a symbolic link of its folder brings, as Kubernetes does, time and again', async () => {
    const mount = mkdtempSync(join(folder, 'mount-'))
    for (const version of ['1', '2', '3']) {
      mkdirSync(join(mount, `..${version}`))
      writeFileSync(join(mount, `..${version}`, 'policy.yaml'), `version ${version}`)
    }
    symlinkSync('..1', join(mount, '..data'))
    const file = join(mount, 'policy.yaml')
    symlinkSync(join('..data', 'policy.yaml'), file)
    const { seen } = follow(file, 'version 1')
    for (const version of ['2', '3']) {
      symlinkSync(`..${version}`, join(mount, '..data_tmp'))
      renameSync(join(mount, '..data_tmp'), join(mount, '..data'))
      rmSync(join(mount, `..${Number(version) - 1}`), { recursive: true })
      await eventually(() => seen.at(-1) === `version ${version}`)
    }
    expect(seen).toEqual(['version 2', 'version 3'])
  })

  it('tells nothing while it stays the same, even when it is touched or replaced by its copy', async () => {
    const file = fileWith('one')
    const { seen } = follow(file, 'one')
    await during(2 * aWhileMs, () => {
      copyFileSync(file, `${file}.copy`)
      renameSync(`${file}.copy`, file)
      expect(seen).toEqual([])
    })
  })

  it('tells once that it cannot be read, and its text once it is back, though it is the same', async () => {
    const file = fileWith('one')
    const { seen } = follow(file, 'one')
    unlinkSync(file)
    await eventually(() => seen.length === 1)
    await during(aWhileMs, () => expect(seen).toEqual([unreadable]))
    writeFileSync(file, 'one')
    await eventually(() => seen.length === 2)
    expect(seen).toEqual([unreadable, 'one'])
  })

  it('tells that it cannot be read where a folder took its place', async () => {
    const file = fileWith('one')
    const { seen } = follow(file, 'one')
    unlinkSync(file)
    mkdirSync(file)
    await eventually(() => seen.length === 1)
    rmSync(file, { recursive: true })
    writeFileSync(file, 'two')
    await eventually(() => seen.length === 2)
    expect(seen).toEqual([unreadable, 'two'])
  })

  it('tells what differs from the text it was loaded with, also where that was before', async () => {
    const { seen } = follow(fileWith('newer'), 'older')
    await eventually(() => seen.length === 1)
    expect(seen).toEqual(['newer'])
  })

  it('tells nothing more once it is closed', async () => {
    const file = fileWith('one')
    const { seen, close } = follow(file, 'one')
    close()
    writeFileSync(file, 'two')
    await during(aWhileMs, () => expect(seen).toEqual([]))
    unlinkSync(file)
    await during(aWhileMs, () => expect(seen).toEqual([]))
  })

  it('never replaces a good policy by a broken one, and takes the mended one', async () => {
    const policy = (permission: string): string =>
      `version: 1\nroles: { staff: ["${permission}"] }\nroutes:\n  - { name: r, match: GET /r, permission: "${permission}", tenant: { claim: true } }\n`
    const good = policy('leave:read')
    const file = fileWith(good)
    const failures: unknown[] = []
    const store = createPolicyStore(policyFrom(good), {
      load: loadPolicy,
      onLoaded: () => undefined,
      onReloadFailed: (faults) => failures.push(faults),
    })
    const followed = followPolicyFile({
      file,
      text: good,
      onChange: store.reload,
      onUnreadable: (cause) => failures.push(cause),
    })
    closers.push(followed.close)
    const first = store.current()
    for (const broken of [
      ': broken [',
      '',
      'version: 2',
      'routes: [{ name: all, match: GET / }]',
    ]) {
      const { length } = failures
      replace(file, broken)
      await eventually(() => failures.length > length)
      expect(store.current()).toBe(first)
    }
    replace(file, policy('leave:approve'))
    await eventually(() => store.current() !== first)
    expect(store.current().roles.get('staff')).toEqual(new Set(['leave:approve']))
  })
})
