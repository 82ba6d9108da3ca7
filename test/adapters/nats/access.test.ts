import { setDefaultCACertificates, getCACertificates } from 'node:tls'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startChild } from '../../../src/adapters/servers/child.ts'
import { startNats } from '../../../src/adapters/servers/nats.ts'
import { onFreePort } from '../../../src/adapters/servers/ports.ts'
import { ensureWheels } from '../../../src/adapters/servers/wheels.ts'
import { createAuthority } from '../../support/certificates.ts'
import { changePublisher } from '../../support/change-publisher.ts'
import { during } from '../../support/eventually.ts'
import { testFolder } from '../../support/folder.ts'
import { until } from '../../support/poll.ts'
import { ids, logTo } from './open-decision-log.ts'
import { openFeed } from './open-feed.ts'

async function serverWith(config: string) {
  const file = join(testFolder(), 'nats.conf')
  writeFileSync(file, config)
  const server = await startNats({ binaries: await ensureWheels(), args: ['--config', file] })
  onTestFinished(() => server.close())
  const { log, start, stop, url } = server
  return { log, start, stop, url, file, reload: () => process.kill(server.pid, 'SIGHUP') }
}

const at = (url: string, userinfo: string) => url.replace('nats://', `nats://${userinfo}@`)

const users = (permissions: string) =>
  `authorization { users: [{ user: "reader", password: "p@ss/w:rd", permissions: ${permissions} }] }`

describe('a server that wants to know who is there', () => {
  it('is told user and password of the URL', async () => {
    const { url } = await serverWith(users('{}'))
    const { told } = openFeed({ url: at(url, 'reader:p%40ss%2Fw%3Ard') })
    await told.next('proved', { after: 0 })
  })

  it('is told the token of the URL', async () => {
    const { url } = await serverWith('authorization { token: "s3cret" }')
    const { told } = openFeed({ url: at(url, 's3cret') })
    await told.next('proved', { after: 0 })
  })

  it('refuses others, who say so once, without the password, and try again', async () => {
    const { url, log } = await serverWith(users('{}'))
    const { faults, told } = openFeed({ url: at(url, 'reader:wr0ng') })
    await until(() => log().split('authentication error').length > 4, { what: 'more attempts' })
    expect(faults).toHaveLength(1)
    expect(String(faults[0]?.message)).toMatch(/authorization violation/i)
    expect(JSON.stringify(faults.map((fault) => [fault.message, fault.stack]))).not.toContain(
      'wr0ng',
    )
    expect(told.heard).toEqual([])
  })
})

describe('a subscription that the server refuses', () => {
  const denied = users('{ subscribe: { allow: ["user.>", "organization.>", "_INBOX.>"] } }')

  it('never lets the feed begin, although pings are answered', async () => {
    const { url } = await serverWith(denied)
    const { fault, told } = openFeed({ url: at(url, 'reader:p%40ss%2Fw%3Ard') })
    await until(() => fault() !== '', { what: 'a fault' })
    expect(fault()).toMatch(/^NATS: member\.> was refused: .*Permissions Violation/)
    await during(1_500, () => expect(told.heard).toEqual([]))
  })

  it('breaks it when the permission is taken away meanwhile, and is had again with it', async () => {
    const { file, reload, url } = await serverWith(users('{}'))
    const { fault, told } = openFeed({ url: at(url, 'reader:p%40ss%2Fw%3Ard') })
    await told.next('proved', { after: 0 })
    writeFileSync(file, denied)
    reload()
    await told.next('broke', { after: 0 })
    await until(() => fault().includes('member.> was refused'), { what: 'the fault' })
    expect(told.outline()).toEqual(['began', 'broke'])
    writeFileSync(file, users('{}'))
    reload()
    await told.next('began', { after: 1 })
  })
})

describe('JetStream', () => {
  it('that the server does not have is named, and had once it is there', async () => {
    const { natsServer } = await ensureWheels()
    const server = await onFreePort(async (port) => ({
      port,
      child: await startChild({
        name: 'NATS without JetStream',
        command: natsServer,
        args: ['--addr', '127.0.0.1', '--port', String(port)],
        ready: (log) => log.includes('Server is ready'),
      }),
    }))
    onTestFinished(() => server.child.stop())
    const url = `nats://127.0.0.1:${server.port}`
    const { fault, told } = openFeed({ url, stream: 'EVENTS' })
    await until(() => fault() !== '', { what: 'a fault' })
    expect(fault()).toBe('NATS: JetStream is not enabled')
    expect(told.heard).toEqual([])
    await server.child.stop()
    const second = await startNats({ binaries: { natsServer }, port: server.port })
    onTestFinished(() => second.close())
    const publisher = await changePublisher(url)
    onTestFinished(() => publisher.close())
    await publisher.createStream({ name: 'EVENTS' })
    await told.next('proved', { after: told.of('proved').length })
  })

  it('that the account does not have is named', async () => {
    const { url } = await serverWith(
      'accounts { A { users: [{ user: "reader", password: "x" }] }, SYS { } }, system_account: SYS',
    )
    const { fault } = openFeed({ url: at(url, 'reader:x'), stream: 'EVENTS' })
    await until(() => fault() !== '', { what: 'a fault' })
    expect(fault()).toBe('NATS: JetStream is not enabled')
  })

  it.each([
    [
      'asking for the stream',
      '$JS.API.STREAM.INFO.>',
      /cannot be asked for: .*Permissions Violation/,
    ],
    ['creating a consumer', '$JS.API.CONSUMER.>', /Permissions Violation.*CONSUMER\.CREATE/],
  ])('that does not allow %s is named', async (_title, denied, why) => {
    const { url } = await serverWith(
      `authorization { users: [{ user: "owner", password: "x" },
        { user: "reader", password: "x", permissions: { publish: { deny: "${denied}" } } }] }`,
    )
    const publisher = await changePublisher(at(url, 'owner:x'))
    onTestFinished(() => publisher.close())
    await publisher.createStream({ name: 'EVENTS' })
    const { fault, told } = openFeed({ url: at(url, 'reader:x'), stream: 'EVENTS' })
    await until(() => fault() !== '', { what: 'a fault' })
    expect(fault()).toMatch(why)
    expect(told.heard).toEqual([])
  })

  it('needs no more permissions than to look, to read, to make a consumer and its inbox', async () => {
    const reader = `{ publish: { allow: ["$JS.API.STREAM.INFO.EVENTS", "$JS.API.STREAM.MSG.GET.EVENTS",
      "$JS.API.CONSUMER.CREATE.EVENTS", "$JS.FC.>"] }, subscribe: { allow: ["_INBOX.>"] } }`
    const { start, stop, url } = await serverWith(
      `authorization { users: [{ user: "owner", password: "x" },
        { user: "reader", password: "x", permissions: ${reader} }] }`,
    )
    const publisher = await changePublisher(at(url, 'owner:x'))
    onTestFinished(() => publisher.close())
    await publisher.createStream({ name: 'EVENTS' })
    await publisher.store('member.removed', 1)
    const { told } = openFeed({ url: at(url, 'reader:x'), stream: 'EVENTS' })
    await told.provedNow()
    await stop()
    await start()
    await publisher.store('member.removed', 2)
    await told.next('resumed', { after: 0 })
    await told.provedNow()
    expect(told.messages()).toEqual(['member.removed 1', 'member.removed 2'])
  })
})

describe('TLS', () => {
  async function withTls() {
    const authority = createAuthority(testFolder(), 'nats-ca')
    const { cert, key } = authority.issue('server')
    const server = await serverWith(`tls { cert_file: "${cert}", key_file: "${key}" }`)
    return { server, authority, url: server.url.replace('nats://', 'tls://') }
  }

  it('is spoken with a server whose certificate is trusted', async () => {
    const { authority, url } = await withTls()
    const before = getCACertificates('default')
    setDefaultCACertificates([...before, readFileSync(authority.cert, 'utf8')])
    onTestFinished(() => setDefaultCACertificates(before))
    const { told } = openFeed({ url })
    await told.next('proved', { after: 0 })
  })

  it('is not spoken with others', async () => {
    const { url } = await withTls()
    const { fault, told } = openFeed({ url })
    await until(() => fault() !== '', { what: 'a fault' })
    expect(fault()).toMatch(/certificate/i)
    expect(told.heard).toEqual([])
  })

  it('is not left out where the server does not speak it', async () => {
    const { url } = await serverWith('')
    const { fault, told } = openFeed({ url: url.replace('nats://', 'tls://') })
    await until(() => fault() !== '', { what: 'a fault' })
    expect(fault()).toMatch(/tls/i)
    expect(told.heard).toEqual([])
  })
})

it('a decision log that may not hear its answers says so, and keeps its lines', async () => {
  const { url } = await serverWith(users('{ publish: ["log.>"], subscribe: { deny: "_INBOX.>" } }'))
  const { log, told, write } = logTo(at(url, 'reader:p%40ss%2Fw%3Ard'), { subject: 'log.x' })
  expect(write(ids('a', 3))).toEqual([true, true, true])
  await until(() => told.faults.length > 1, { what: 'a second try' })
  expect(told.faults[0]).toMatch(/^NATS, decision log: answers are refused: .*_INBOX/)
  expect([told.dropped, log.usage().writtenLines]).toEqual([0, 0])
})
