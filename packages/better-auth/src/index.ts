export type { Logger, TenantgateOptions } from './options.ts'
export { tenantgate, type TenantgatePlugin } from './plugin.ts'
