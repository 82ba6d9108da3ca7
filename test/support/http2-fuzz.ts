import {
  createConversation,
  damageFrames,
  damageOctets,
  isWithinBlock,
} from './http2-fuzz-conversation.ts'
import { openFuzzSession, type FuzzSession } from './http2-fuzz-session.ts'
import {
  pingOf,
  prefaceOctets,
  requestOf,
  resetOf,
  settingsOf,
  windowUpdateOf,
} from './http2-frames.ts'
import { seededRandom } from './seeded-random.ts'

/** How a seed went, for those who count. */
export type FuzzOutcome = 'undamaged' | 'survived' | 'ended'

/**
 * Plays a conversation of random steps, damaged or not, to a session, in pieces, with the socket held
 * up, time passing and calls answered in between. Throws where a rule is broken.
 */
export function fuzzHttp2(seed: number): FuzzOutcome {
  try {
    return play(seededRandom(seed))
  } catch (cause) {
    throw new Error(`seed ${seed}`, { cause })
  }
}

/** Room for all unfinished messages of a conversation. */
const enough = 1_000_000

function play(random: () => number): FuzzOutcome {
  const below = (limit: number): number => Math.floor(random() * limit)
  const chance = (share: number): boolean => random() < share
  const maxConcurrentStreams = chance(0.3) ? 1 + below(6) : 1_000
  const damage = below(3)
  const limits = {
    maxConcurrentStreams,
    maxGatheredBytes: chance(0.2) ? 30_000 : enough,
    connectionWindowBytes: 65_535 + below(200_000),
    streamWindowBytes: 65_535 + below(200_000),
    maxQueuedBytes: chance(0.2) ? 20_000 : 1_000_000,
    maxIdleFrames: chance(0.2) ? 20 : 1_000,
  }
  const fuzz = openFuzzSession(limits, damage !== 2)
  const { echoes, frames } = createConversation(random, 5 + below(60))
  if (damage === 1) damageFrames(random, frames)
  let octets: Buffer = Buffer.concat([prefaceOctets, ...frames])
  if (damage === 2) octets = damageOctets(random, octets)
  const isHarmed = damage > 0 || chance(0.5)

  while (octets.length > 0) {
    const length = chance(0.5) ? octets.length : 1 + below(chance(0.5) ? 50 : 20_000)
    fuzz.read(octets.subarray(0, length))
    octets = octets.subarray(length)
    if (isHarmed) disturb(fuzz, random)
    if (fuzz.isClosed()) break
  }
  fuzz.release()
  fuzz.letGo()
  fuzz.session.connection.flush()
  const isCalm = !isHarmed && maxConcurrentStreams === 1_000
  if (isCalm && !fuzz.isClosed()) {
    // Answers that wait for windows get them.
    fuzz.read(Buffer.concat([windowUpdateOf(0, 1e9), settingsOf({ 4: 1e9 })]))
  }
  if (isCalm) assertEchoes(fuzz, echoes)
  const isInStep = damage !== 2 && !isWithinBlock(frames)
  if (isInStep && !fuzz.session.connection.isOver) assertAnswers(fuzz)
  const { isOver } = fuzz.session.connection
  fuzz.end()
  if (isCalm) return 'undamaged'
  return isOver ? 'ended' : 'survived'
}

/** What may happen between two reads. */
function disturb(fuzz: FuzzSession, random: () => number): void {
  const kind = Math.floor(random() * 14)
  if (kind === 0) fuzz.holdUp()
  else if (kind === 1) fuzz.letGo()
  else if (kind === 2) fuzz.release()
  else if (kind === 3) fuzz.pass(random() * 5_000)
  else if (kind === 4 && random() < 0.1) fuzz.pass(60_000)
  else if (kind === 5 && random() < 0.1) fuzz.session.drain()
}

/** Nothing was damaged: every call that was ended is answered with its own message. */
function assertEchoes(fuzz: FuzzSession, echoes: ReadonlyMap<number, Buffer>): void {
  if (fuzz.session.connection.isOver) return // too little is allowed, or too much was idle
  for (const [streamId, message] of echoes) {
    const answer = fuzz.answers.get(streamId)
    if (answer?.ended !== true) throw new Error(`no answer on ${streamId}`)
    const wanted = message.length > 20_000 ? Buffer.alloc(0) : message
    const told = answer.data.subarray(5)
    // What finds no room beside the other unfinished messages comes to the handler as an empty one.
    if (told.length === 0 && fuzz.session.connection.limits.maxGatheredBytes < enough) continue
    if (!told.equals(wanted)) throw new Error(`another answer on ${streamId}`)
  }
}

/** A call on a new stream is answered, whatever was before, unless that ended the connection. */
function assertAnswers(fuzz: FuzzSession): void {
  const { connection } = fuzz.session
  const { past, sender, streams } = connection
  if (connection.isDraining || past.last > 2 ** 31 - 100) return
  fuzz.read(Buffer.concat(streams.all().map(({ id }) => resetOf(id))))
  fuzz.release()
  const window =
    sender.window < 65_535 ? [windowUpdateOf(0, 65_535 - Math.min(0, sender.window))] : []
  const streamId = past.last + (past.last % 2 === 0 ? 1 : 2)
  fuzz.read(
    Buffer.concat([
      settingsOf({ 4: 65_535 }),
      ...window,
      requestOf(streamId, 'Echo', 'still there?'),
      pingOf(),
    ]),
  )
  fuzz.letGo()
  if (connection.isOver) return
  const answer = fuzz.answers.get(streamId)
  const text = answer?.data.toString('latin1', 5)
  if (answer?.ended !== true || text !== 'still there?') {
    throw new Error(`a new call on ${streamId} got ${String(text)}, reset ${String(answer?.reset)}`)
  }
}
