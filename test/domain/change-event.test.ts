import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isId } from '../../src/domain/id.ts'
import {
  knownSubjects,
  reachOf,
  readChange,
  spellingsOf,
  subjectLabel,
} from '../../src/domain/change-event.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const both = { user: 'u1', organization: 'o1' }

describe('how far an event reaches', () => {
  it.each([
    ['user.banned', both, { user: 'u1', organization: null }],
    ['user.x', { user: null, organization: 'o1' }, { user: null, organization: 'o1' }],
    ['organization.deleted', both, { user: null, organization: 'o1' }],
    ['organization.x', { user: 'u1', organization: null }, { user: 'u1', organization: null }],
    ['member.removed', both, both],
    ['users.banned', both, both],
  ])('%s', (subject, change, reach) => {
    expect(reachOf(subject, change)).toEqual(reach)
  })
})

describe('the spellings of a change', () => {
  const upper = '0189F7EA-AE2C-7809-8000-00000000ABCD'
  const lower = upper.toLowerCase()
  it.each([
    ['ids that are no UUIDs', both, [both]],
    ['a text that only looks like one', { user: `${upper}X`, organization: null }, 1],
    ['a lower-case UUID', { user: lower, organization: null }, 1],
    [
      'upper-case UUIDs',
      { user: upper, organization: upper },
      [
        { user: upper, organization: upper },
        { user: lower, organization: lower },
      ],
    ],
    [
      'an upper-case UUID and none',
      { user: null, organization: upper },
      [
        { user: null, organization: upper },
        { user: null, organization: lower },
      ],
    ],
  ])('of %s', (_title, change, spellings) => {
    expect(spellingsOf(change)).toEqual(typeof spellings === 'number' ? [change] : spellings)
  })
})

describe('readChange reads', () => {
  it.each([
    ['a user and an organization', { userId: 'u1', organizationId: 'o1' }, both],
    ['a user alone', { userId: 'u1' }, { user: 'u1', organization: null }],
    ['an organization alone', { organizationId: 'o1' }, { user: null, organization: 'o1' }],
    ['user_id', { user_id: 'u1', organizationId: 'o1' }, both],
    ['orgId', { userId: 'u1', orgId: 'o1' }, both],
    ['org_id', { userId: 'u1', org_id: 'o1' }, both],
    ['organization_id', { userId: 'u1', organization_id: 'o1' }, both],
    ['other fields beside', { userId: 'u1', orgId: 'o1', role: ['x'], at: 1, data: {} }, both],
    ['null as absent', { userId: 'u1', organizationId: null }, { user: 'u1', organization: null }],
    ['one of two names as null', { userId: null, user_id: 'u1', orgId: 'o1' }, both],
    ['two names that agree', { userId: 'u1', user_id: 'u1', orgId: 'o1' }, both],
    ['integers', { userId: 7, organizationId: 0 }, { user: '7', organization: '0' }],
    ['an integer and its text', { userId: 7, user_id: '7' }, { user: '7', organization: null }],
  ])('%s', (_title, event, change) => {
    const text = JSON.stringify(event)
    expect(readChange(text)).toEqual(change)
    expect(readChange(bytes(text))).toEqual(change)
    const envelope = { specversion: '1.0', id: '1', source: '/auth', type: 'member.removed' }
    expect(readChange(JSON.stringify({ ...envelope, data: event }))).toEqual(change)
    expect(readChange(JSON.stringify({ ...envelope, data: text }))).toEqual(change)
    const base64 = Buffer.from(text).toString('base64')
    expect(readChange(JSON.stringify({ ...envelope, data_base64: base64 }))).toEqual(change)
  })

  it('ids of 255 characters, and text that is not ASCII elsewhere', () => {
    const user = 'u'.repeat(255)
    expect(readChange(JSON.stringify({ userId: user, name: 'Büro 🙂' }))).toMatchObject({ user })
  })

  it('an event of the greatest size', () => {
    const text = JSON.stringify({ userId: 'u1' }).padEnd(65_536)
    expect(readChange(text)).toMatchObject({ user: 'u1' })
    expect(readChange(bytes(text))).toMatchObject({ user: 'u1' })
  })

  it('an object with data that is no envelope by itself', () => {
    expect(readChange('{"userId":"u1","data":{"userId":"u2"}}')).toMatchObject({ user: 'u1' })
  })
})

describe('where one of two ids cannot be read, the change is of all the other has', () => {
  const unreadable = ['', 'a,b', 'a b', 'é', 'x'.repeat(256), 1.5, 2 ** 53, true, [], ['o1'], {}]
  it.each(unreadable.map((id) => [JSON.stringify(id), id]))('%s', (_title, id) => {
    const wide = { user: 'u1', organization: null }
    expect(readChange(JSON.stringify({ userId: 'u1', organizationId: id }))).toEqual(wide)
    expect(readChange(JSON.stringify({ userId: id, orgId: 'o1' }))).toEqual({
      user: null,
      organization: 'o1',
    })
    expect(readChange(JSON.stringify({ userId: id }))).toHaveProperty('why')
  })

  it('two names that differ', () => {
    expect(readChange('{"userId":"u1","orgId":"o1","org_id":"o2"}')).toEqual({
      user: 'u1',
      organization: null,
    })
    expect(readChange('{"userId":"u1","orgId":"o1","organizationId":{}}')).toEqual({
      user: 'u1',
      organization: null,
    })
  })
})

describe('readChange finds malformed', () => {
  it.each([
    ['nothing', ''],
    ['no JSON', 'userId=u1'],
    ['half a JSON text', '{"userId":"u1"'],
    ['a list', '[{"userId":"u1"}]'],
    ['a string', '"u1"'],
    ['null', 'null'],
    ['an object that names nobody', '{"id":"u1"}'],
    ['nulls', '{"userId":null,"organizationId":null}'],
    ['ids of the prototype', '{"__proto__":{"userId":"u1"}}'],
    ['other spellings', '{"userid":"u1","UserId":"u1"}'],
    ['an envelope without readable data', '{"specversion":"1.0","data":"x","userId":"u1"}'],
    ['an envelope with a list', '{"specversion":"1.0","data":[],"userId":"u1"}'],
    [
      'an envelope in an envelope',
      '{"specversion":"1.0","data":{"specversion":"1.0","data":{"userId":"u1"}}}',
    ],
    ['one byte too many', '{"userId":"u1"}'.padEnd(65_537)],
    ['brackets without end', '['.repeat(65_000)],
  ])('%s', (_title, text) => {
    expect(readChange(text)).toEqual({ why: expect.any(String) as string })
    expect(readChange(bytes(text))).toEqual({ why: expect.any(String) as string })
  })

  it('bytes that are no UTF-8', () => {
    const data = Uint8Array.from([...bytes('{"userId":"u1","x":"'), 0xff, ...bytes('"}')])
    expect(readChange(data)).toEqual({ why: 'it is no JSON in UTF-8' })
  })

  it('and never repeats what it was sent', () => {
    expect(JSON.stringify(readChange('{"password":"s3cret"}'))).not.toContain('s3cret')
  })
})

it('readChange never throws, and gives ids only', () => {
  const check = (data: Uint8Array | string) => {
    const change = readChange(data)
    if ('why' in change) return
    const ids = [change.user, change.organization].filter((id) => id !== null)
    expect(ids.length).toBeGreaterThan(0)
    expect(ids.every(isId)).toBe(true)
  }
  const key = fc.constantFrom('userId', 'user_id', 'orgId', 'specversion', 'data', '__proto__')
  const event = fc.dictionary(key, fc.jsonValue({ maxDepth: 2 }))
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), check))
  fc.assert(fc.property(fc.json(), check))
  fc.assert(
    fc.property(
      event.map((value) => JSON.stringify(value)),
      check,
    ),
  )
})

describe('subjectLabel', () => {
  it.each(knownSubjects)('keeps %s', (subject) => {
    expect(subjectLabel(subject)).toBe(subject)
  })

  it.each(['member.x', '', 'constructor', 'member.removed.x', 'app.member.removed'])(
    'makes %j other',
    (subject) => {
      expect(subjectLabel(subject)).toBe('other')
    },
  )
})
