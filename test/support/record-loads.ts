import { appendFileSync } from 'node:fs'
import { registerHooks } from 'node:module'

/**
 * For `node --import`: writes what the process loads into the file of `RECORD_LOADS`, a line each, with
 * the time in ms. Node's own modules are told by their names.
 */
const file = process.env['RECORD_LOADS'] ?? ''

registerHooks({
  load(url, context, nextLoad) {
    appendFileSync(file, `${performance.now()} ${url}\n`)
    return nextLoad(url, context)
  },
})
