/** What others must know of the development issuer, without loading it. */

/** Below the API's base URL; as Keycloak has it for a realm named `tidings`. */
export const ISSUER_PATH = '/realms/tidings';
/** Below the issuer. */
export const TOKEN_PATH = '/protocol/openid-connect/token';
/** For people: password grant, and authorization code with PKCE for pages. */
export const PUBLIC_CLIENT = 'tidings-demo';
/** For back ends: client credentials; its tokens have the admin role. In development its secret is its name. */
export const SERVICE_CLIENT = 'tidings-service';
