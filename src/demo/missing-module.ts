/** For `.catch` of a dynamic import: the demo's own packages are not installed with tenantgate. */
export function missingInPackage(name: string): (cause: unknown) => never {
  return (cause) => {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
    if (code !== 'ERR_MODULE_NOT_FOUND') throw cause
    const message = `The package ${name} is not installed: run the demo in a checkout, after npm ci.`
    throw new Error(message, { cause })
  }
}
