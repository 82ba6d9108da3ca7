/** Where a URL leads, for people: host, port and path, never user, password or parameters. */
export function placeOf(url: string): string {
  const parsed = URL.parse(url)
  if (parsed === null) return 'an address that is no URL'
  const { host, pathname, protocol } = parsed
  return `${protocol}//${host}${pathname === '/' ? '' : pathname}`
}

/** Whether a URL's host is this machine, so that what is sent never crosses a network. */
export function isLocal(url: string): boolean {
  const host = URL.parse(url)?.hostname ?? ''
  return host === '' || host === 'localhost' || host === '[::1]' || /^127(\.\d+){3}$/.test(host)
}

/** Whether a URL carries a password, or a token in the place of the user. */
export function hasCredentials(url: string): boolean {
  const parsed = URL.parse(url)
  return parsed !== null && parsed.username + parsed.password !== ''
}

const shownInstead = '***'

/** Takes secrets, and the passwords of URLs in any spelling, out of texts. */
export function createRedactor(
  secrets: readonly string[],
  urls: readonly string[],
): (text: string) => string {
  const hidden = new Set(secrets)
  for (const url of urls) {
    hidden.add(url)
    const { username = '', password = '', protocol = '' } = URL.parse(url) ?? {}
    // NATS takes a token in the place of the user.
    const encoded = password === '' && /^(nats|tls|wss?):$/.test(protocol) ? username : password
    hidden.add(encoded)
    hidden.add(decoded(encoded))
  }
  hidden.delete('')
  const longestFirst = [...hidden].sort((a, b) => b.length - a.length)
  return (text) => longestFirst.reduce((rest, one) => rest.replaceAll(one, shownInstead), text)
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text // stands as it is written
  }
}
