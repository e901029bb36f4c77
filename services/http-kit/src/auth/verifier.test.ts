import { derivedId, type UserId } from '@tidings/contracts/ids';
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from 'jose';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { ApiError } from '../errors.ts';
import { createVerifier } from './verifier.ts';

const SUB = '0d1f6a52-1d35-4a5c-9b1e-2f3c4d5e6f70';
const MINUTE = 60;
const open: Server[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => closed(server)));
});
const closed = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.closeAllConnections();
    server.close(() => resolve());
  });

/** A real issuer over HTTP whose keys can be changed and whose requests are counted. */
const issuer = async (alg = 'RS256') => {
  let pair = await generateKeyPair(alg);
  let kid = 'one';
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(request.url ?? '');
    const answer = async (): Promise<object> =>
      request.url === '/.well-known/openid-configuration'
        ? { issuer: url, jwks_uri: `${url}/jwks` }
        : { keys: [{ ...(await exportJWK(pair.publicKey)), kid, alg, use: 'sig' }] };
    void answer().then((body) => response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push(server);
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  let clock = Date.now();
  const verifier = createVerifier({ issuer: () => url, audience: 'account', adminRole: 'tidings-admin', now: () => clock });
  const sign = async (claims: Record<string, unknown> = {}, header: Record<string, unknown> = {}) =>
    new SignJWT({ sub: SUB, iss: url, aud: 'account', exp: Math.floor(clock / 1000) + MINUTE, ...claims })
      .setProtectedHeader({ alg, kid, ...header })
      .sign(pair.privateKey);
  return {
    url,
    requests,
    verify: (token: string) => verifier.verify(token),
    sign,
    pass: (seconds: number) => (clock += seconds * 1000),
    rotate: async () => {
      pair = await generateKeyPair(alg);
      kid = 'two';
    },
    stop: () => closed(server),
  };
};
const codeOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work;
    return 'accepted';
  } catch (thrown) {
    if (thrown instanceof ApiError) return thrown.code;
    throw thrown;
  }
};

describe('a token', () => {
  it('tells who holds it', async () => {
    const { verify, sign } = await issuer();
    const token = await sign({
      sub: SUB.toUpperCase(),
      name: ' Alice\u0007 Liddell ',
      email: 'Alice@Tidings.test',
      azp: 'web',
      aud: ['other', 'account'],
      realm_access: { roles: ['tidings-admin', 7] },
      resource_access: { account: { roles: ['view'] } },
    });
    expect(await verify(token)).toMatchObject({
      userId: SUB,
      displayName: 'Alice  Liddell',
      email: 'Alice@Tidings.test',
      roles: ['tidings-admin', 'view'],
      isAdmin: true,
      clientId: 'web',
    });
  });

  it('without a UUID or a name still names somebody, always the same', async () => {
    const { verify, sign, url } = await issuer();
    const actor = await verify(await sign({ sub: 'auth0|77', email: 'a@b.example', email_verified: false }));
    expect(actor).toMatchObject({
      userId: derivedId<UserId>('user', url, 'auth0|77'),
      email: null,
      roles: [],
      isAdmin: false,
      clientId: null,
    });
    expect(actor.displayName).toBe(`User ${actor.userId.slice(0, 8)}`);
    expect((await verify(await sign({ preferred_username: 'al' }))).displayName).toBe('al');
  });

  it.each(['ES256', 'PS256', 'EdDSA'])('may be signed by %s', async (alg) => {
    const { verify, sign } = await issuer(alg);
    expect((await verify(await sign())).userId).toBe(SUB);
  });

  it('is refused when any part of it is wrong', async () => {
    const { verify, sign, url } = await issuer();
    const now = Math.floor(Date.now() / 1000);
    const good = await sign();
    const [head = '', body = '', signature = ''] = good.split('.');
    const forged = Buffer.from(JSON.stringify({ sub: SUB, iss: url, aud: 'account', exp: now + MINUTE, name: 'root' })).toString(
      'base64url',
    );
    const hmac = await new SignJWT({ sub: SUB, iss: url, aud: 'account', exp: now + MINUTE })
      .setProtectedHeader({ alg: 'HS256', kid: 'one' })
      .sign(new TextEncoder().encode('x'.repeat(32)));
    const unsigned = new UnsecuredJWT({ sub: SUB }).setIssuer(url).setAudience('account').setExpirationTime('1m').encode();
    const wrong = [
      await sign({ aud: 'other' }),
      await sign({ iss: 'https://elsewhere.example' }),
      await sign({ nbf: now + MINUTE }),
      await sign({ exp: undefined }),
      await sign({ sub: undefined }),
      `${head}.${forged}.${signature}`,
      `${head}.${body}.`,
      hmac,
      unsigned,
      'x',
      'a.b.c',
      '..',
      `${head}.${body}.${signature}.${signature}`,
    ];
    expect(await Promise.all(wrong.map((token) => codeOf(verify(token))))).toEqual(wrong.map(() => 'UNAUTHORIZED'));
    expect(await codeOf(verify(good))).toBe('accepted');
  });

  it('ends at its time, with five seconds of leeway, also when it is remembered', async () => {
    const { verify, sign, pass } = await issuer();
    const token = await sign();
    expect(await codeOf(verify(token))).toBe('accepted');
    pass(MINUTE + 3);
    expect(await codeOf(verify(token))).toBe('accepted');
    pass(4);
    expect(await codeOf(verify(token))).toBe('TOKEN_EXPIRED');
    expect(await codeOf(verify(token))).toBe('TOKEN_EXPIRED');
  });
});

describe('the issuer', () => {
  it('is asked once for many tokens', async () => {
    const { verify, sign, requests } = await issuer();
    const tokens = await Promise.all([1, 2, 3].map((n) => sign({ n })));
    await Promise.all([...tokens, ...tokens].map((token) => verify(token)));
    expect(requests).toEqual(['/.well-known/openid-configuration', '/jwks']);
  });

  it('is asked again for an unknown key, but not by every stranger', async () => {
    const { verify, sign, requests } = await issuer();
    await verify(await sign());
    const strangers = await Promise.all([1, 2, 3].map((n) => sign({ n }, { kid: `stranger-${n}` })));
    for (const token of strangers) expect(await codeOf(verify(token))).toBe('UNAUTHORIZED');
    expect(requests).toHaveLength(2); // within the cooldown of the first fetch
  });

  it('that is away logs nobody out, and lets nobody new in before it was ever seen', async () => {
    const known = await issuer();
    await known.verify(await known.sign());
    await known.stop();
    known.pass(15 * 60);
    expect(await codeOf(known.verify(await known.sign({ n: 2 })))).toBe('accepted');

    const unknown = await issuer();
    const token = await unknown.sign();
    await unknown.stop();
    expect(await codeOf(unknown.verify(token))).toBe('AUTH_UNAVAILABLE');
  });

  it('that changes its keys is believed after the refresh', async () => {
    const { verify, sign, pass, rotate } = await issuer();
    await verify(await sign());
    await rotate();
    const token = await sign();
    pass(11 * 60);
    const fresh = await sign({ n: 2 });
    await codeOf(verify(fresh)); // starts the refresh
    await expect.poll(async () => codeOf(verify(fresh))).toBe('accepted');
    expect(await codeOf(verify(token))).toBe('TOKEN_EXPIRED');
  });
});
