/** Makes RFC 3339 text of wall clock times in ms; that of the last one is kept, checks come in heaps. */
export function createTimestamp(): (ms: number) => string {
  let lastMs = Number.NaN
  let last = ''
  return (ms) => {
    if (ms !== lastMs) {
      lastMs = ms
      last = new Date(ms).toISOString()
    }
    return last
  }
}
