/**
 * An OpenID Connect issuer for tests and benchmarks: real discovery, real JWKS, real RS256 signatures over HTTP, for as many users as wanted.
 * It stands for "any issuer"; logging in is the development issuer's own test.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose';

export interface TestIssuer {
  /** Value for `OIDC_ISSUER`. */
  readonly url: string;
  /** A signed access token; `claims` win over the defaults (aud `account`, one hour). */
  token(claims: { readonly sub: string } & Readonly<Record<string, unknown>>, expiresInSeconds?: number): Promise<string>;
  close(): Promise<void>;
}
/** An issuer that other processes can sign for. */
export interface LentIssuer extends TestIssuer {
  readonly privateKey: JWK;
}

export const startIssuer = async (): Promise<LentIssuer> => {
  const { publicKey, privateKey } = await generateKeyPair('RS256', { extractable: true });
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
    privateKey: await exportJWK(privateKey),
    token: signerOf(url, privateKey),
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
};

/** An issuer that runs in another process, which is the one to close it. */
export const borrowIssuer = async ({ url, privateKey }: Pick<LentIssuer, 'url' | 'privateKey'>): Promise<TestIssuer> => ({
  url,
  token: signerOf(url, await importJWK(privateKey, 'RS256')),
  close: () => Promise.resolve(),
});

const signerOf =
  (issuer: string, privateKey: Parameters<SignJWT['sign']>[0]): TestIssuer['token'] =>
  (claims, expiresInSeconds = 3600) => {
    const now = Math.floor(Date.now() / 1000);
    return new SignJWT({ azp: 'tests', iss: issuer, aud: 'account', iat: now, exp: now + expiresInSeconds, ...claims })
      .setProtectedHeader({ alg: 'RS256', kid: 'test', typ: 'JWT' })
      .sign(privateKey);
  };
