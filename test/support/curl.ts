import { parseArgs } from 'node:util'

/** What `curl -s [-X METHOD] [-H HEADER]... URL` does, for machines without curl. */
const { values, positionals } = parseArgs({
  options: {
    silent: { type: 'boolean', short: 's' },
    request: { type: 'string', short: 'X', default: 'GET' },
    header: { type: 'string', short: 'H', multiple: true, default: [] },
  },
  allowPositionals: true,
})
const headers = values.header.map((line): [string, string] => {
  const colon = line.indexOf(':')
  return [line.slice(0, colon), line.slice(colon + 1).trim()]
})
const response = await fetch(positionals[0] ?? '', { method: values.request, headers })
process.stdout.write(await response.text())
