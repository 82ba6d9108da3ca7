/** Connections to PostgreSQL that checks have in all, as far as each process has two. */
const ofChecks = 10
const leastOfChecks = 2

/** Connections for checks in each of so many processes. */
export function checkConnections(workers: number): number {
  return Math.max(leastOfChecks, Math.ceil(ofChecks / workers))
}

/** Verification has connections of its own: it never stands in the way of a request. */
export function verificationConnections(workers: number): number {
  return workers === 1 ? 2 : 1
}
