import { describe, expect, it } from 'vitest'
import { createMemberRoleChangeConsumer } from '../../src/application/member-role-change-consumer.ts'
import { knownSubjects } from '../../src/domain/change-event.ts'

/** All that a consumer does with one message, in order. */
function told(subject: string, data: string | Uint8Array): readonly string[] {
  const log: string[] = []
  const consumer = createMemberRoleChangeConsumer({
    knowledge: { changed: (change) => log.push(`changed ${JSON.stringify(change)}`) },
    onEvent: (subject, outcome) => log.push(`${subject} ${outcome}`),
    onMalformed: (subject, why) => log.push(`${subject}: ${why}`),
  })
  consumer.message(subject, typeof data === 'string' ? new TextEncoder().encode(data) : data)
  return log
}

const body = '{"userId":"u1","organizationId":"org-a"}'
const change = 'changed {"user":"u1","organization":"org-a"}'

/** A publisher that adds more than the subject is of must not make the change narrower. */
function reached(subject: string): string {
  if (subject.startsWith('user.')) return 'changed {"user":"u1","organization":null}'
  if (subject.startsWith('organization.')) return 'changed {"user":null,"organization":"org-a"}'
  return change
}

describe('the consumer of changes', () => {
  it.each(knownSubjects)('applies %s, in the turn in which it comes', (subject) => {
    const [applied, counted] = told(subject, body)
    expect([applied, counted]).toEqual([reached(subject), `${subject} applied`])
  })

  it.each(['member.renamed', 'user.anything', 'organization.x', 'x', ''])(
    'counts %s among the others',
    (subject) => {
      expect(told(subject, body)).toEqual([reached(subject), 'other applied'])
    },
  )

  it('applies an upper-case UUID as PostgreSQL writes it, too', () => {
    const id = '0189F7EA-AE2C-7809-8000-00000000ABCD'
    expect(told('member.removed', `{"userId":"${id}","organizationId":"org-a"}`)).toEqual([
      `changed {"user":"${id}","organization":"org-a"}`,
      `changed {"user":"${id.toLowerCase()}","organization":"org-a"}`,
      'member.removed applied',
    ])
  })

  it.each([
    ['a user', '{"userId":"u1"}', 'changed {"user":"u1","organization":null}'],
    ['an organization', '{"orgId":"org-a"}', 'changed {"user":null,"organization":"org-a"}'],
    ['both, in an envelope', `{"specversion":"1.0","data":${body}}`, change],
  ])('applies what names %s', (_title, data, expected) => {
    expect(told('member.removed', data)).toEqual([expected, 'member.removed applied'])
  })

  it.each([
    ['what is no JSON', '{', 'it is no JSON in UTF-8'],
    ['what is no text', new Uint8Array([0xff]), 'it is no JSON in UTF-8'],
    ['nothing', '', 'it is no JSON in UTF-8'],
    ['a list', '[]', 'it is no JSON object'],
    ['what names nobody', '{}', 'it names no user and no organization'],
    ['ids that are none', '{"userId":{}}', 'its ids cannot be read'],
  ])('counts and reports %s, and changes nothing', (_title, data, why) => {
    expect(told('member.removed', data)).toEqual([
      'member.removed malformed',
      `member.removed: ${why}`,
    ])
  })

  it('reports a malformed event by its own subject, and counts it by a label', () => {
    expect(told('member.odd', '{}')).toEqual([
      'other malformed',
      'member.odd: it names no user and no organization',
    ])
  })
})
