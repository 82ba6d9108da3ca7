import { describe, expect, it } from 'vitest'
import { runScript } from '../../support/child-script.ts'

const modules = { logger: 'src/adapters/pino/logger.ts' }

async function logged(level: string, script: string) {
  const { stdout, stderr, code } = await runScript(
    modules,
    `const { log, close } = logger.createLogger(${JSON.stringify(level)})
${script}
await close()`,
  )
  expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
  const lines = stderr.split('\n').filter((line) => line !== '')
  return { stderr, lines: lines.map((line) => JSON.parse(line) as Record<string, unknown>) }
}

describe('the log of the service', () => {
  it('is JSON lines on standard error, with the level by name and the time in ISO 8601', async () => {
    const { lines } = await logged('info', `log.info({ policy: 'p' }, 'loaded'); log.error('bad')`)
    expect(lines).toEqual([
      {
        level: 'info',
        time: expect.stringMatching(/^\d{4}-.*Z$/) as string,
        policy: 'p',
        msg: 'loaded',
      },
      { level: 'error', time: expect.any(String) as string, msg: 'bad' },
    ])
  })

  it('holds nothing below its level, and nothing at all where it is silent', async () => {
    const script = `log.debug('a'); log.info('b'); log.warn('c')`
    expect((await logged('warn', script)).lines).toMatchObject([{ msg: 'c' }])
    expect((await logged('silent', script)).lines).toEqual([])
  })

  it('redacts what could be a secret', async () => {
    const { stderr } = await logged(
      'info',
      `log.info({
        headers: { authorization: 'hunter2', cookie: 'hunter2' },
        database: { password: 'hunter2', connectionString: 'hunter2' },
        key: { secret: 'hunter2' } }, 'request')`,
    )
    expect(stderr).toContain('request')
    expect(stderr).not.toContain('hunter2')
  })
})
