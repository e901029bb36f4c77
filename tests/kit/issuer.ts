/**
 * An OpenID Connect issuer for tests and benchmarks: real discovery, real JWKS, real RS256 signatures over HTTP, for as many users as wanted.
 * It stands for "any issuer"; logging in is the development issuer's own test.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';

export interface TestIssuer {
  /** Value for `OIDC_ISSUER`. */
  readonly url: string;
  /** A signed access token; `claims` win over the defaults (aud `account`, one hour). */
  token(claims: { readonly sub: string } & Readonly<Record<string, unknown>>, expiresInSeconds?: number): Promise<string>;
  close(): Promise<void>;
}

export const startIssuer = async (): Promise<TestIssuer> => {
  const { publicKey, privateKey } = await generateKeyPair('RS256');
  const jwk = { ...(await exportJWK(publicKey)), kid: 'test', alg: 'RS256', use: 'sig' };
  const server = createServer((request, response) => {
    const { port } = server.address() as AddressInfo;
    const issuer = `http://127.0.0.1:${port}`;
    const body = request.url?.endsWith('/.well-known/openid-configuration')
      ? { issuer, jwks_uri: `${issuer}/jwks`, authorization_endpoint: `${issuer}/auth`, token_endpoint: `${issuer}/token` }
      : { keys: [jwk] };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    token: (claims, expiresInSeconds = 3600) =>
      new SignJWT({
        azp: 'tests',
        iss: url,
        aud: 'account',
        iat: Math.floor(Date.now() / 1000),
        exp: Math.floor(Date.now() / 1000) + expiresInSeconds,
        ...claims,
      })
        .setProtectedHeader({ alg: 'RS256', kid: 'test', typ: 'JWT' })
        .sign(privateKey),
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
};
