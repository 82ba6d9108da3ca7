import { pairKey, type Fact, type Pair } from '../../../src/domain/fact.ts'
import { reasonBy, type Observation } from './oracle.ts'
import { pairs } from './plan.ts'
import type { Heard } from './process.ts'
import type { Surroundings } from './surroundings.ts'
import { concerns, versionOf } from './truth.ts'

/** Whether what a process decides on came from where it may come from on that route. */
export interface Origin {
  /** Judges a decision; returns the promise that was broken. */
  readonly judge: (seen: Observation) => string | undefined
  /** The process has started anew. */
  readonly forget: () => void
}

/** How long PostgreSQL's answer, or a change that was seen, keeps claims out, in ms. */
const claimsKeptOutMs = 900_000
/** How long "not a member" is kept, in ms. */
const absenceMs = 2_000

/** Follows one process. */
export function createOrigin({ scenario, timeline, truth }: Surroundings): Origin {
  const remembered = new Map<string, Fact>()
  const hasRoom = scenario.limits.maxFacts >= pairs.length
  const clocksAreSet = scenario.wildClocksMs.length > 0

  /** Rule (c): a claim opens once, and nothing that the process was told of. */
  function ofClaim({ heardAtArrival, process, route, token }: Observation): string | undefined {
    if (route.freshness !== 'claims') return `a claim decided on \`${route.freshness}\``
    const nowMs = timeline.nowMs()
    const answered = process.lastRead(token.pair)
    if (answered !== undefined && nowMs - answered.answeredAtMs < claimsKeptOutMs) {
      return 'a claim opened again after PostgreSQL had answered'
    }
    const changes = process.heard().slice(0, heardAtArrival).filter(isOf(token.pair))
    const recent = changes.some(({ atMs }) => nowMs - atMs < claimsKeptOutMs - 10_000)
    return recent && !clocksAreSet ? 'a claim opened after a change' : undefined
  }

  /** An outage is not bridged against what the process has read since the token was issued. */
  function inOutage({ fact, process, route, token }: Observation): string | undefined {
    const last = process.lastRead(token.pair)
    if (fact === null || last === undefined || !hasRoom || clocksAreSet) return undefined
    if (last.sentAtMs <= fact.verifiedAtMs || reasonBy(route, last.fact) === 'granted') {
      return undefined
    }
    const sinceMs = last.fact.verifiedAtMs - scenario.replicaLagMs
    const changed = truth.commits.some((one) => one.atMs > sinceMs && concerns(one, token.pair))
    return changed ? undefined : 'a claim bridged an outage against what was read'
  }

  /** A read of any of a user's pairs tells whether the user is banned, and its platform roles. */
  function saysOtherwise({ arrivedAtMs, process, token }: Observation, fact: Fact): boolean {
    if (!hasRoom || clocksAreSet) return false
    const place = process.placeOf(fact.verifiedAtMs)
    return pairs.some((pair) => {
      const read = pair.user === token.pair.user ? process.lastRead(pair) : undefined
      if (read === undefined || read.answeredAtMs > arrivedAtMs) return false
      const isNewer = place === undefined ? read.sentAtMs > fact.verifiedAtMs : read.place > place
      return isNewer && versionOf(read.fact).user !== versionOf(fact).user
    })
  }

  function ofFact(seen: Observation): string | undefined {
    const { fact, process, reason, route, token } = seen
    if (fact === null) return undefined
    const isStrict = route.freshness === 'verified' || route.freshness === 'database'
    const place = process.placeOf(fact.verifiedAtMs)
    if (isStrict && place === undefined) return `what others read decided on \`${route.freshness}\``
    const last = process.lastRead(token.pair)
    const isOld = last !== undefined && last.sentAtMs > fact.verifiedAtMs
    if (fact.source === 'redis' && isOld && hasRoom && !clocksAreSet) {
      return 'what others had read earlier was adopted'
    }
    if (saysOtherwise(seen, fact)) return 'what was read of the user since then was ignored'
    if (fact.source !== 'memory') return undefined
    const isAbsent = reason === 'not_a_member' && !fact.platformRoles.includes('support')
    if (isAbsent && timeline.nowMs() - fact.verifiedAtMs > absenceMs + 1) {
      return '"not a member" was kept for more than 2 s'
    }
    const key = pairKey(token.pair)
    const before = remembered.get(key)
    remembered.set(key, fact)
    if (before === undefined || !hasRoom) return undefined
    const placeBefore = process.placeOf(before.verifiedAtMs)
    const isBack =
      place === undefined || placeBefore === undefined
        ? fact.verifiedAtMs < before.verifiedAtMs
        : place < placeBefore
    return isBack ? 'memory went back to an older read' : undefined
  }

  return {
    judge(seen) {
      const { fact, process, route } = seen
      const isLost = process.feed().isLost() && process.machine.runs()
      if (isLost && process.state().watchHolds) return 'the watch holds over a lost connection'
      if (fact === null || seen.reason === 'unavailable') return undefined
      if (fact.source !== 'claims') return ofFact(seen)
      return route.inOutage ? inOutage(seen) : ofClaim(seen)
    },
    forget: () => remembered.clear(),
  }
}

function isOf({ organization, user }: Pair): (heard: Heard) => boolean {
  return (heard) =>
    (heard.user === null || heard.user === user) &&
    (heard.organization === null || heard.organization === organization)
}
