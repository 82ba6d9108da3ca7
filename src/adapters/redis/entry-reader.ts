import type { Link } from './link.ts'
import { lookUp } from './look-up.ts'
import { whenLate } from './when-late.ts'

/** Looks entries up; those that are asked for in one turn, by one command. */
export interface EntryReader {
  /**
   * What the bytes under a key mean by `open`, which must not throw; undefined: there are none, or no answer
   * in time. Never rejects. Writes that were sent before it are carried out before it.
   */
  readonly read: <T>(
    key: string,
    open: (bytes: Uint8Array) => T | undefined,
  ) => Promise<T | undefined>
}

/** What a reader rests on. */
export interface EntryReaderDeps {
  readonly link: Pick<Link, 'send' | 'suspect'>
  /** How long an answer may take, in ms; one that takes longer makes the link suspect. */
  readonly timeoutMs: number
  readonly onFault: (cause: unknown) => void
}

interface Asked {
  readonly key: string
  readonly tell: (bytes: Uint8Array | undefined) => void
}

/** Keys of one command: Redis does nothing else meanwhile, and an entry may have 64 kB. */
const maxKeys = 100

/**
 * Who may GET need not be allowed to MGET; a node of a cluster has it for keys of one slot alone, and
 * some servers do not know it.
 */
const isNotForMany = /NOPERM|CROSSSLOT|unknown command/i

/** Makes a reader that waits for nothing. */
export function createEntryReader({ link, onFault, timeoutMs }: EntryReaderDeps): EntryReader {
  let together: Asked[] = []
  let isOneByOne = false

  function read<T>(
    key: string,
    open: (bytes: Uint8Array) => T | undefined,
  ): Promise<T | undefined> {
    return new Promise((resolve) => {
      if (together.length === 0) process.nextTick(sendAll)
      together.push({ key, tell: (bytes) => resolve(bytes && open(bytes)) })
      if (together.length === maxKeys) sendAll()
    })
  }

  function sendAll(): void {
    const batch = together
    if (batch.length === 0) return
    together = []
    if (isOneByOne || batch.length === 1) batch.forEach(sendOne)
    else send(batch)
  }

  function send(batch: readonly Asked[]): void {
    const keys = batch.map(({ key }) => key)
    const answer = link.send((client) => lookUp(client, keys))
    settle(batch, answer, (cause) => {
      if (!(cause instanceof Error && isNotForMany.test(cause.message))) return false
      if (!isOneByOne) onFault(new Error(`${cause.message}: entries are asked for one by one`))
      isOneByOne = true
      batch.forEach(sendOne)
      return true
    })
  }

  function sendOne(asked: Asked): void {
    const answer = link.send((client) => lookUp(client, [asked.key]))
    settle(
      [asked],
      answer.then((bytes) => [bytes]),
    )
  }

  /** Tells those who asked. `isMended`: whether a refusal was, and they will be told otherwise. */
  function settle(
    batch: readonly Asked[],
    answer: Promise<unknown>,
    isMended: (cause: unknown) => boolean = () => false,
  ): void {
    const tell = (values: unknown): void => {
      // Whatever the server says: what is no text is no entry.
      const entries: readonly unknown[] = Array.isArray(values) ? values : []
      batch.forEach((asked, index) => {
        const entry = entries[index]
        asked.tell(entry instanceof Uint8Array ? entry : undefined)
      })
    }
    // Also where nobody waits any more: a link that answers nobody must not go unnoticed.
    whenLate(answer, timeoutMs, () => {
      link.suspect()
      tell([])
    })
    answer.then(tell, (cause: unknown) => {
      if (isMended(cause)) return
      onFault(cause)
      tell([])
    })
  }

  return { read }
}
