/** Full name of the service that Envoy calls. */
export const authorizationService = 'envoy.service.auth.v3.Authorization'

/** The path of its one method (envoy/service/auth/v3/external_auth.proto). */
export const checkPath = `/${authorizationService}/Check`
