/**
 * A certified OpenID provider (oidc-provider) set up for development: a handful of people, one public client for people and pages, one
 * confidential client for services. Access tokens are JWTs with the claims Keycloak would give.
 */
import { errors, Provider, type KoaContextWithOIDC, type ResourceServer } from 'oidc-provider';
import { memoryAdapter } from './adapter.ts';
import type { Keys } from './keys.ts';
import { PUBLIC_CLIENT, SERVICE_CLIENT, TOKEN_PATH } from './names.ts';
import type { DemoPerson } from './people.ts';

const RESOURCE = 'urn:tidings:api';
const SCOPES = 'openid profile email';
const TOKEN_SECONDS = 8 * 3600;

export interface ProviderOptions {
  readonly issuer: string;
  readonly keys: Keys;
  readonly people: readonly DemoPerson[];
  readonly audience: string;
  readonly adminRole: string;
  /** Where pages may be sent back to after a login. */
  readonly redirectUris: readonly string[];
}

export const createProvider = (options: ProviderOptions): Provider => {
  const { issuer, keys, people, audience, adminRole } = options;
  const path = new URL(issuer).pathname;
  const personOf = (id: string | undefined): DemoPerson | undefined => people.find((person) => person.userId === id);
  const api: ResourceServer = {
    audience,
    scope: SCOPES,
    accessTokenFormat: 'jwt',
    accessTokenTTL: TOKEN_SECONDS,
    jwt: { sign: { alg: 'RS256' } },
  };

  const provider = new Provider(issuer, {
    adapter: memoryAdapter(),
    clients: [
      {
        client_id: PUBLIC_CLIENT,
        token_endpoint_auth_method: 'none',
        grant_types: ['authorization_code', 'password'],
        response_types: ['code'],
        redirect_uris: [...options.redirectUris],
      },
      {
        client_id: SERVICE_CLIENT,
        client_secret: SERVICE_CLIENT,
        grant_types: ['client_credentials'],
        response_types: [],
        redirect_uris: [],
      },
    ],
    jwks: { keys: [{ ...keys.jwk, kid: keys.kid, use: 'sig', alg: 'RS256' }] },
    cookies: { keys: [keys.cookieKey] },
    // Where Keycloak has them, so that clients written for it need no change.
    routes: {
      authorization: '/protocol/openid-connect/auth',
      token: TOKEN_PATH,
      jwks: '/protocol/openid-connect/certs',
      end_session: '/protocol/openid-connect/logout',
      userinfo: '/protocol/openid-connect/userinfo',
    },
    scopes: SCOPES.split(' '),
    claims: { openid: ['sub'], profile: ['name', 'preferred_username'], email: ['email', 'email_verified'] },
    ttl: {
      AccessToken: TOKEN_SECONDS,
      ClientCredentials: TOKEN_SECONDS,
      IdToken: TOKEN_SECONDS,
      Interaction: 600,
      Session: 86_400,
      Grant: 86_400,
    },
    interactions: { url: (_ctx, interaction) => `${path}/interaction/${interaction.uid}` },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => RESOURCE,
        useGrantedResource: () => true,
        getResourceServerInfo: () => api,
      },
    },
    findAccount: (_ctx, id) => {
      const person = personOf(id);
      return person && { accountId: id, claims: () => claimsOf(person) };
    },
    extraTokenClaims: (_ctx, token) => {
      if (token.kind === 'ClientCredentials')
        return { azp: SERVICE_CLIENT, preferred_username: SERVICE_CLIENT, realm_access: { roles: [adminRole] } };
      const person = personOf(token.accountId);
      return person && { azp: PUBLIC_CLIENT, ...claimsOf(person), realm_access: { roles: [] } };
    },
    // Nobody is asked to consent to their own development server.
    loadExistingGrant: async (ctx) => {
      const { client, session } = ctx.oidc;
      if (client === undefined || session?.accountId === undefined) return undefined;
      const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
      grant.addOIDCScope(SCOPES);
      grant.addResourceScope(RESOURCE, SCOPES);
      await grant.save();
      return grant;
    },
    renderError: (ctx, { error, error_description }) => {
      ctx.type = 'text/plain';
      ctx.body = `${error}: ${error_description ?? ''}\n`;
    },
  });

  provider.registerGrantType('password', (ctx) => passwordGrant(provider, api, people, ctx), ['username', 'password', 'scope', 'resource']);
  return provider;
};

const claimsOf = (person: DemoPerson) => ({
  sub: person.userId,
  name: person.displayName,
  preferred_username: person.username,
  email: person.email,
  email_verified: true,
});

/** RFC 6749 §4.3, for a terminal without a browser. Gone from OAuth 2.1, which is one more reason never to run this in production. */
const passwordGrant = async (
  provider: Provider,
  api: ResourceServer,
  people: readonly DemoPerson[],
  ctx: KoaContextWithOIDC,
): Promise<void> => {
  const { client, params } = ctx.oidc;
  const person = authenticate(people, params?.['username'], params?.['password']);
  if (client === undefined || person === undefined) throw new errors.InvalidGrant('wrong user name or password (the password is the name)');
  const grant = new provider.Grant({ clientId: client.clientId, accountId: person.userId });
  grant.addResourceScope(RESOURCE, SCOPES);
  const token = new provider.AccessToken({
    client,
    accountId: person.userId,
    grantId: await grant.save(),
    gty: 'password',
    scope: SCOPES,
    resourceServer: new provider.ResourceServer(RESOURCE, api),
  });
  ctx.body = { access_token: await token.save(), token_type: token.tokenType, expires_in: token.expiration, scope: SCOPES };
};

/** The password is the name: this protects nothing and says so. */
export const authenticate = (people: readonly DemoPerson[], username: unknown, password: unknown): DemoPerson | undefined =>
  people.find((person) => person.username === username && password === person.username);
