import { setFlagsFromString } from 'node:v8'

/**
 * Keeps V8 from deciding, by what outlived a collection once, that objects of a kind are old from
 * birth. What a check makes lives on only while facts are read for the first time, in a burst after
 * the start or an outage; from then on every check would make garbage that only a full collection
 * frees, and that holds on to younger garbage meanwhile. Measured after a burst of 1,000 first checks:
 * half as many CPU-µs for a known subject's check, and no full collections.
 */
export function keepObjectsYoung(): void {
  setFlagsFromString('--no-allocation-site-pretenuring')
}
