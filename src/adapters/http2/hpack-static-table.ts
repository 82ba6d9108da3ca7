import { createField, type Field, fieldOverhead } from './hpack-field.ts'
import { kindOfName } from './hpack-name.ts'
import { readValue } from './hpack-value.ts'

/** RFC 7541, appendix A: names, with their value after a space where they have one. */
const rows =
  ':authority\n:method GET\n:method POST\n:path /\n:path /index.html\n:scheme http\n:scheme https\n' +
  ':status 200\n:status 204\n:status 206\n:status 304\n:status 400\n:status 404\n:status 500\n' +
  'accept-charset\naccept-encoding gzip, deflate\naccept-language\naccept-ranges\naccept\n' +
  'access-control-allow-origin\nage\nallow\nauthorization\ncache-control\ncontent-disposition\n' +
  'content-encoding\ncontent-language\ncontent-length\ncontent-location\ncontent-range\n' +
  'content-type\ncookie\ndate\netag\nexpect\nexpires\nfrom\nhost\nif-match\nif-modified-since\n' +
  'if-none-match\nif-range\nif-unmodified-since\nlast-modified\nlink\nlocation\nmax-forwards\n' +
  'proxy-authenticate\nproxy-authorization\nrange\nreferer\nrefresh\nretry-after\nserver\n' +
  'set-cookie\nstrict-transport-security\ntransfer-encoding\nuser-agent\nvary\nvia\n' +
  'www-authenticate'

/** The fields of the static table; its indices begin at 1. */
export const staticTable: readonly Field[] = rows.split('\n').map((row) => {
  const [name = '', ...words] = row.split(' ')
  const value = Buffer.from(words.join(' '))
  const nameBytes = Buffer.from(name)
  const field = createField()
  field.kind = kindOfName(nameBytes, 0, nameBytes.length)
  field.nameLength = name.length
  field.size = name.length + value.length + fieldOverhead
  readValue(field, value, 0, value.length)
  return field
})
