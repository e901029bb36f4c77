/** People log in at a real Keycloak, with the realm of the deployed form: who they are, what they may do, and what becomes of its keys. */
import type { ChatRoom, Message } from '@tidings/contracts/http/chat-objects';
import type { Me } from '@tidings/contracts/http/mail-objects';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Keycloak, keycloakLacks, startKeycloak } from '../kit/keycloak.ts';
import { type Program, startProgram } from '../kit/program.ts';

const lack = await keycloakLacks();
const ALICE = { username: 'alice', password: 'what Alice chose' };
const BOB = { username: 'bob', password: 'what Bob chose' };

describe.skipIf(lack !== null)(`Keycloak${lack === null ? '' : ` (${lack})`}`, () => {
  let keycloak: Keycloak;
  let program: Program;
  beforeAll(async () => {
    keycloak = await startKeycloak();
    // Alice stands in the realm's file with a password that she has to change; Bob registers.
    const [alice] = (await keycloak.admin('GET', '/users?username=alice&exact=true')) as readonly [{ readonly id: string }];
    const chosen = { type: 'password', value: ALICE.password, temporary: false };
    await keycloak.admin('PUT', `/users/${alice.id}/reset-password`, chosen);
    await keycloak.admin('POST', '/users', {
      ...{ username: 'bob', enabled: true, email: 'bob@elsewhere.test', emailVerified: true, firstName: 'Bob', lastName: 'Brown' },
      credentials: [{ type: 'password', value: BOB.password, temporary: false }],
    });
    program = await startProgram({ env: { OIDC_ISSUER: keycloak.issuer, TIDINGS_ENV: 'production', LOG_LEVEL: 'error' } });
  }, 900_000);
  afterAll(async () => {
    await program.stop();
    await keycloak.stop();
  });

  const ask = (token: string, path: string, body?: unknown): Promise<Response> =>
    fetch(new URL(path, program.httpUrl), {
      headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    });
  const json = async <A>(token: string, path: string, body?: unknown): Promise<A> => {
    const answer = await ask(token, path, body);
    const text = await answer.text();
    expect([answer.status, text]).toEqual([200, expect.any(String)]);
    return JSON.parse(text) as A;
  };

  it('says who somebody is: id, name, mailbox', async ({ annotate }) => {
    await annotate(`engines: Keycloak ${keycloak.version}`);
    const token = await keycloak.token(ALICE);
    const claims = decodeJwt(token);
    expect(claims).toMatchObject({ iss: keycloak.issuer, preferred_username: 'alice', email: 'alice@tidings.test' });
    const me = await json<Me>(token, '/api/me');
    expect(me).toMatchObject({ user: { id: claims.sub, displayName: 'Alice Adams' }, email: 'alice@tidings.test' });
    expect(me.mailboxes.map(({ address }) => address)).toEqual(['alice@tidings.test']);
    // Bob's address is not one of ours.
    const bob = await json<Me>(await keycloak.token(BOB), '/api/me');
    expect([bob.user.displayName, bob.mailboxes]).toEqual(['Bob Brown', []]);
  });

  it('lets people chat', async () => {
    const [alice, bob] = [await keycloak.token(ALICE), await keycloak.token(BOB)];
    const [a, b] = [(await json<Me>(alice, '/api/me')).user.id, (await json<Me>(bob, '/api/me')).user.id];
    const room = await json<ChatRoom>(alice, '/api/rooms/create-room', { roomType: 'Single', invitedUsers: [a, b] });
    await json<Message>(alice, '/api/send-msg', { chatRoomId: room.id, msgBody: { text: 'Hello Bob' } });
    const timeline = await json<readonly Message[]>(bob, `/api/rooms/${room.id}/timeline`);
    expect(timeline.map(({ senderId, msgBody }) => [senderId, msgBody])).toEqual([[a, { text: 'Hello Bob' }]]);
  });

  it('makes an administrator by the realm role, and nobody else', async () => {
    const [alice, bob] = [await keycloak.token(ALICE), await keycloak.token(BOB)];
    expect(await json<Me>(alice, '/api/me')).toMatchObject({ isAdmin: true, roles: expect.arrayContaining(['tidings-admin']) as unknown });
    expect((await json<Me>(bob, '/api/me')).isAdmin).toBe(false);
    expect((await ask(alice, '/api/admin/pending-mail')).status).toBe(200);
    expect((await ask(bob, '/api/admin/pending-mail')).status).toBe(403);
  });

  it('may change its keys: tokens of the old and of the new one are taken', async () => {
    const before = await keycloak.token(ALICE);
    await json<Me>(before, '/api/me');
    await keycloak.admin('POST', '/components', {
      ...{ name: 'next', providerId: 'rsa-generated', providerType: 'org.keycloak.keys.KeyProvider' },
      config: { priority: ['500'], enabled: ['true'], active: ['true'], algorithm: ['RS256'] },
    });
    const after = await keycloak.token(ALICE);
    expect(decodeProtectedHeader(after).kid).not.toBe(decodeProtectedHeader(before).kid);
    // A key that nobody knows is asked for again half a minute after the last look, so that made-up ones are not asked for all the time.
    await expect.poll(async () => (await ask(after, '/api/me')).status, { timeout: 45_000, interval: 500 }).toBe(200);
    await json<Me>(before, '/api/me');
  });

  it('is not mistaken for another issuer, nor is a token that was changed taken', async () => {
    expect((await ask(await keycloak.adminToken(), '/api/me')).status).toBe(401);
    const [head, claims, signature] = (await keycloak.token(BOB)).split('.');
    const forged = { ...decodeJwt(`${head}.${claims}.${signature}`), sub: '00000000-0000-4000-8000-000000000001' };
    const changed = Buffer.from(JSON.stringify(forged)).toString('base64url');
    expect((await ask(`${head}.${changed}.${signature}`, '/api/me')).status).toBe(401);
  });
});
