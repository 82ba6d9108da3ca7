import { createRequire } from 'node:module'
import type * as client from 'prom-client'

/**
 * The parts of prom-client that count, without the rest: its entry also loads `node:http`, `node:zlib`
 * and OpenTelemetry, for what no check needs (28 ms of the start against 3).
 */
const require = createRequire(import.meta.url)

export const Counter = require('prom-client/lib/counter.js') as typeof client.Counter
export const Gauge = require('prom-client/lib/gauge.js') as typeof client.Gauge
export const Histogram = require('prom-client/lib/histogram.js') as typeof client.Histogram
export const Registry = require('prom-client/lib/registry.js') as typeof client.Registry
