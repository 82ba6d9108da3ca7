import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { tenantgate } from '../support/command-line.ts'
import { testFolder } from '../support/folder.ts'

interface Service {
  readonly image: string
  readonly user?: string
  readonly read_only?: boolean
  readonly cap_drop?: readonly string[]
  readonly security_opt?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly volumes?: readonly string[]
  readonly ports?: readonly string[]
  readonly networks?: readonly string[]
  readonly healthcheck?: { readonly test?: unknown }
  readonly command?: unknown
  readonly build?: { readonly dockerfile?: string } | string
  readonly restart: string
}

const text = readFileSync('docker-compose.yml', 'utf8')
const { services } = parse(text, { merge: true }) as {
  readonly services: Readonly<Record<string, Service>>
}
const each = Object.entries(services)
const dockerfileOf = ({ build }: Service): string | undefined =>
  build === undefined ? undefined : typeof build === 'string' ? 'Dockerfile' : build.dockerfile

describe('docker-compose.yml', () => {
  it.each(each)('%s writes nothing, has no capability and gains none', (_, service) => {
    expect(service).toMatchObject({
      read_only: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
    })
  })

  it.each(each)('%s does not run as root, NATS aside', (name, service) => {
    if (name === 'nats') return
    const file = dockerfileOf(service)
    const user = file === undefined ? service.user : /^USER (\S+)$/m.exec(read(file))?.[1]
    expect(user).toMatch(/^(node|[1-9]\d*:[1-9]\d*)$/)
  })

  it.each(each)('%s tells whether it is well', (_, service) => {
    const file = dockerfileOf(service)
    const built = file !== undefined && /^HEALTHCHECK/m.test(read(file))
    expect(service.healthcheck !== undefined || built || service.restart === 'no').toBe(true)
  })

  it('has no password of its own: each is generated, and missed where it is not', () => {
    const file = join(testFolder(), '.env')
    execFileSync('sh', ['deploy/compose/generate-secrets.sh', file])
    const generated = readFileSync(file, 'utf8').trim().split('\n')
    const names = generated.map((line) => line.slice(0, line.indexOf('=')))
    const values = generated.map((line) => line.slice(line.indexOf('=') + 1))
    const used = [...text.matchAll(/\$\{(\w+):\?run /g)].map(([, name]) => name)
    expect([...new Set(used)].sort()).toEqual(names.sort())
    expect(new Set(values).size).toBe(names.length)
    for (const value of values) expect(value).toMatch(/^k[0-9a-f]{64}$/)
    for (const [, service] of each) {
      for (const [name, value] of Object.entries(service.environment ?? {})) {
        if (/SECRET|PASSWORD|KEY$/.test(name)) expect(value).toMatch(/^\$\{\w+:\?/)
        if (/_URL$/.test(name)) expect(value).not.toMatch(/:\/\/\w+:[^$]*@/)
      }
    }
    expect(() =>
      execFileSync('sh', ['deploy/compose/generate-secrets.sh', file], { stdio: 'pipe' }),
    ).toThrow('is there already')
  })

  it.each([
    ['generate-secrets.sh', 'deploy/compose/generate-secrets.sh', 'od'],
    ['users-acl.sh', 'deploy/redis/users-acl.sh', 'sha256sum'],
  ])('%s makes no secret at all where what it needs fails', (_name, script, command) => {
    const folder = testFolder()
    writeFileSync(join(folder, command), '#!/bin/sh\nexit 1\n', { mode: 0o755 })
    const file = join(folder, '.env')
    const env = {
      PATH: `${folder}:${process.env['PATH'] ?? ''}`,
      TENANTGATE_REDIS_PASSWORD: 'a password of the tests',
      READER_REDIS_PASSWORD: 'another password of the tests',
    }
    expect(() => execFileSync('sh', [script, file], { env, stdio: 'pipe' })).toThrow(command)
    expect(readdirSync(folder)).toEqual([command])
  })

  it('has words for commands, none that YAML takes for something else', () => {
    const words = each.flatMap(([, { command = [], healthcheck }]) => [
      ...(command as unknown[]),
      ...((healthcheck?.test ?? []) as unknown[]),
    ])
    expect(words.filter((word) => typeof word !== 'string')).toEqual([])
  })

  it('mounts what is there, and only Envoy is reached from outside', () => {
    for (const [name, { networks = [], ports, volumes = [] }] of each) {
      for (const volume of volumes) {
        const [source = ''] = volume.split(':')
        if (source.startsWith('./')) expect([source, existsSync(source)]).toEqual([source, true])
      }
      expect([name, ports !== undefined]).toEqual([name, name === 'envoy'])
      const data = ['postgres', 'redis', 'nats', 'prepare', 'database-role'].includes(name)
      if (data) expect([name, networks]).toEqual([name, ['data']])
    }
  })

  it('has the configuration of Envoy that its policy comes to', async () => {
    const policy = ['--policy', 'deploy/compose/policy.yaml', '--authz', 'tenantgate:9191']
    const checked = ['--check', 'deploy/compose/envoy.yaml']
    expect(await tenantgate(['envoy', ...policy, ...checked])).toMatchObject({ status: 0 })
  })
})

function read(file: string): string {
  return readFileSync(file, 'utf8')
}
