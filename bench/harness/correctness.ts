import { authorizationClient, type Answer } from '../../test/support/authorization-client.ts'
import { readRequests, readSubjects } from './data-sets.ts'
import { WrongAnswer } from './recorder.ts'

/** What each of these has to come to; a server that is wrong on one is not measured. */
const cases: Readonly<Record<string, 'allow' | 'deny'>> = {
  W1: 'allow',
  Wdeny: 'deny',
  Wbad: 'deny',
  Cexp: 'deny',
  Ciss: 'deny',
  Caud: 'deny',
  Crole: 'deny',
  Croute: 'deny',
  Cnone: 'deny',
}

const denials = [400, 401, 403]

/** What is wrong with an answer about that user; undefined: nothing. */
export function faultOf(
  answer: Answer,
  expected: 'allow' | 'deny',
  user: string | undefined,
): string | undefined {
  const { code, headers, httpStatus, kind } = answer
  if (expected === 'deny') {
    if (code === 0 || kind !== 'denied_response') return 'allowed'
    return denials.includes(httpStatus ?? 0) ? undefined : `denied with ${String(httpStatus)}`
  }
  if (code !== 0 || kind === 'denied_response') return `denied with ${String(httpStatus)}`
  const sent = new Map(headers)
  if (sent.get('x-user-id') !== user) return 'x-user-id is missing or wrong'
  return sent.get('x-org-role') === 'staff' ? undefined : 'x-org-role is missing or wrong'
}

/** Asks each case, by a client that is not the driver. Rejects with all that is wrong. */
export async function assertCorrect(address: string): Promise<void> {
  const client = authorizationClient(address)
  const user = readSubjects('base')[0]?.user
  const faults: string[] = []
  try {
    for (const [name, expected] of Object.entries(cases)) {
      const [bytes] = readRequests(name)
      if (bytes === undefined) throw new Error(`no request in ${name}`)
      const fault = faultOf(await client.check(bytes, { timeoutMs: 5_000 }), expected, user)
      if (fault !== undefined) faults.push(`${name}: ${fault}`)
    }
  } finally {
    client.close()
  }
  if (faults.length > 0) throw new WrongAnswer(faults.join('; '))
}
