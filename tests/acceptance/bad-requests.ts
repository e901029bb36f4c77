/** Requests that nobody should send, with the answers of the contracts (chat-contract §1.1, mail-contract). */
import type { ChatRoom } from '@tidings/contracts/http/chat-objects';
import type { Mailbox } from '@tidings/contracts/http/mail-objects';
import { SignJWT, UnsecuredJWT } from 'jose';
import { startIssuer } from '../kit/issuer.ts';
import type { Program } from '../kit/program.ts';
import { ask, type Person, type Town, uuidOf } from './town.ts';

const UUID = uuidOf('nothing has this id');
const text = (length: number): string => 'x'.repeat(length);

/** Where the requests go, and who is there. It need not stand yet when the cases are made, only when they are sent. */
export interface World {
  readonly program: Program;
  readonly town: Town;
  /** Of the room, and owner of the mailbox; a domain admin. */
  readonly member: Person;
  /** To both. */
  readonly stranger: Person;
  readonly room: ChatRoom;
  readonly mailbox: Mailbox;
}

/** What is sent, and the answer to it. */
export interface Case {
  readonly name: string;
  readonly send: () => Promise<Response>;
  readonly answers: readonly [status: number, code: string];
  /** Fields that the answer must name. */
  readonly names?: readonly string[];
  readonly detail?: string;
  /** Headers of the answer, or parts of them. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** By what is wrong with them. */
export const badRequests = (world: World): Readonly<Record<'tokens' | 'bodies' | 'places', readonly Case[]>> => {
  const post =
    (path: string, body: unknown, headers: Readonly<Record<string, string>> = {}): (() => Promise<Response>) =>
    () =>
      ask(world.program, world.member, path.replace('ROOM', world.room.id).replace('MAILBOX', world.mailbox.id), { body, headers });
  const get =
    (path: string, headers: Readonly<Record<string, string>> = {}): (() => Promise<Response>) =>
    () =>
      ask(world.program, world.member, path.replace('ROOM', world.room.id).replace('MAILBOX', world.mailbox.id), { headers });
  const asStranger =
    (path: string, method = 'GET', body?: object): (() => Promise<Response>) =>
    () =>
      ask(world.program, world.stranger, path.replace('ROOM', world.room.id).replace('MAILBOX', world.mailbox.id), {
        method,
        ...(body === undefined ? {} : { body }),
      });
  const message =
    (msgBody: unknown, more: object = {}): (() => Promise<Response>) =>
    () =>
      ask(world.program, world.member, '/api/send-msg', { body: { chatRoomId: world.room.id, msgBody, ...more } });
  const authorized =
    (authorization: () => string | Promise<string>): (() => Promise<Response>) =>
    async () =>
      ask(world.program, null, '/api/rooms', { headers: { authorization: await authorization() } });
  const token = (claims: object): (() => Promise<Response>) =>
    authorized(async () => `Bearer ${await world.town.issuer.token({ sub: world.member.id, ...claims })}`);

  const invalid = [400, 'VALIDATION_ERROR'] as const;
  const unauthorized = [401, 'UNAUTHORIZED'] as const;
  const forbidden = [403, 'INSUFFICIENT_PERMISSIONS'] as const;
  const missing = [404, 'CONTENT_NOT_FOUND'] as const;
  const refusedToken = { 'www-authenticate': 'error="invalid_token"' };

  const tokens: readonly Case[] = [
    {
      name: 'no token',
      send: () => ask(world.program, null, '/api/rooms'),
      answers: unauthorized,
      headers: { 'www-authenticate': 'Bearer realm="tidings"' },
    },
    {
      name: 'a token in the query',
      send: () => ask(world.program, null, `/api/rooms?access_token=${world.member.token}`),
      answers: unauthorized,
    },
    { name: 'another scheme', send: authorized(() => 'Basic YWxpY2U6YWxpY2U='), answers: unauthorized },
    { name: 'a bearer of nothing', send: authorized(() => 'Bearer'), answers: unauthorized },
    { name: 'a token that is none', send: authorized(() => 'Bearer not.a.token'), answers: unauthorized, headers: refusedToken },
    {
      name: 'an expired token',
      send: async () =>
        ask(world.program, null, '/api/rooms', {
          headers: { authorization: `Bearer ${await world.town.issuer.token({ sub: world.member.id }, -60)}` },
        }),
      answers: [401, 'TOKEN_EXPIRED'],
      headers: refusedToken,
    },
    { name: 'a token for another audience', send: token({ aud: 'other' }), answers: unauthorized, headers: refusedToken },
    { name: 'a token of another issuer', send: token({ iss: 'https://elsewhere.example' }), answers: unauthorized, headers: refusedToken },
    { name: 'a token for later', send: token({ nbf: Math.floor(Date.now() / 1000) + 600 }), answers: unauthorized, headers: refusedToken },
    {
      name: 'an unsigned token',
      send: authorized(
        () =>
          `Bearer ${new UnsecuredJWT({ sub: world.member.id }).setIssuer(world.town.issuer.url).setAudience('account').setExpirationTime('1h').encode()}`,
      ),
      answers: unauthorized,
    },
    {
      name: 'a token signed with a shared secret',
      send: authorized(async () => {
        const signer = new SignJWT({ sub: world.member.id })
          .setIssuer(world.town.issuer.url)
          .setAudience('account')
          .setExpirationTime('1h');
        return `Bearer ${await signer.setProtectedHeader({ alg: 'HS256', kid: 'test' }).sign(new TextEncoder().encode(text(32)))}`;
      }),
      answers: unauthorized,
    },
    {
      name: 'a token signed by a stranger with the same key id',
      send: authorized(async () => {
        const forger = await startIssuer();
        const forged = await forger.token({ sub: world.member.id, iss: world.town.issuer.url });
        await forger.close();
        return `Bearer ${forged}`;
      }),
      answers: unauthorized,
      headers: refusedToken,
    },
    {
      name: 'a token whose claims were changed',
      send: authorized(() => {
        const [head, , signature] = world.stranger.token.split('.');
        return `Bearer ${head}.${world.member.token.split('.')[1]}.${signature}`;
      }),
      answers: unauthorized,
      headers: refusedToken,
    },
  ];

  const bodies: readonly Case[] = [
    { name: 'half of a JSON text', send: post('/api/send-msg', '{"chatRoomId":'), answers: invalid, detail: 'The body is not valid JSON.' },
    { name: 'no JSON at all', send: post('/api/send-msg', 'hello'), answers: invalid, detail: 'The body is not valid JSON.' },
    { name: 'JSON that reaches for a prototype', send: post('/api/send-msg', '{"__proto__":{"admin":true}}'), answers: invalid },
    { name: 'an array for an object', send: post('/api/send-msg', []), answers: invalid },
    { name: 'null for an object', send: post('/api/send-msg', 'null'), answers: invalid },
    { name: 'no body', send: () => ask(world.program, world.member, '/api/send-msg', { method: 'POST' }), answers: invalid },
    {
      name: 'plain text',
      send: post('/api/send-msg', '{}', { 'content-type': 'text/plain' }),
      answers: [415, 'UNSUPPORTED_MEDIA_TYPE'],
    },
    {
      name: 'a form',
      send: post('/api/send-msg', 'chatRoomId=1', { 'content-type': 'application/x-www-form-urlencoded' }),
      answers: [415, 'UNSUPPORTED_MEDIA_TYPE'],
    },
    {
      name: 'more than 5 MiB',
      send: () => ask(world.program, world.member, '/api/send-msg', { body: JSON.stringify({ text: text(5 * 1024 * 1024) }) }),
      answers: [413, 'CONTENT_TOO_LARGE'],
    },
    {
      name: 'a number for an id',
      send: post('/api/send-msg', { chatRoomId: 7, msgBody: { text: 'x' } }),
      answers: invalid,
      names: ['chatRoomId'],
    },
    {
      name: 'several faults at once',
      send: post('/api/rooms/create-room', { roomType: 'Big', invitedUsers: ['x'] }),
      answers: invalid,
      names: ['roomType', 'invitedUsers.0'],
    },
    { name: 'an empty text', send: message({ text: '' }), answers: invalid, names: ['msgBody.text'] },
    { name: 'a text too long by a character', send: message({ text: '😀'.repeat(4001) }), answers: invalid, names: ['msgBody.text'] },
    { name: 'a body of no kind', send: message({ sound: 'beep' }), answers: invalid, names: ['msgBody'] },
    { name: 'a kind that the body is not', send: message({ text: 'x' }, { msgType: 'Media' }), answers: invalid },
    { name: 'a room change by hand', send: message({ type: 'UserJoined', related_user: {} }, { msgType: 'RoomChange' }), answers: invalid },
    { name: 'an answer to nothing', send: message({ replyMsgId: UUID, replyText: 'what?' }), answers: missing },
    {
      name: 'an Idempotency-Key with a blank',
      send: post('/api/rooms/ROOM/mark-read', {}, { 'idempotency-key': 'a b' }),
      answers: invalid,
      names: ['Idempotency-Key'],
    },
    {
      name: 'an Idempotency-Key without end',
      send: post('/api/rooms/ROOM/mark-read', {}, { 'idempotency-key': text(256) }),
      answers: invalid,
      names: ['Idempotency-Key'],
    },
    {
      name: 'a role that there is not',
      send: () =>
        ask(world.program, world.member, `/api/mailboxes/${world.mailbox.id}/members/${world.stranger.id}`, {
          method: 'PUT',
          body: { role: 'king' },
        }),
      answers: invalid,
      names: ['role'],
    },
    {
      name: 'flags for no thread',
      send: () =>
        ask(world.program, world.member, '/api/threads/flags', {
          body: { mailboxId: world.mailbox.id, threadIds: [], set: { starred: true } },
        }),
      answers: invalid,
      names: ['threadIds'],
    },
    {
      name: 'a flag that is no yes or no',
      send: () =>
        ask(world.program, world.member, '/api/threads/flags', {
          body: { mailboxId: world.mailbox.id, threadIds: [UUID], set: { starred: 'very' } },
        }),
      answers: invalid,
      names: ['set.starred'],
    },
    {
      name: 'a mailbox in a domain of others',
      send: post('/api/mailboxes', { kind: 'shared', address: 'us@elsewhere.example', name: 'Us' }),
      answers: invalid,
      names: ['address'],
    },
    {
      name: 'a mailbox at no address',
      send: post('/api/mailboxes', { kind: 'shared', address: 'nowhere', name: 'Us' }),
      answers: invalid,
      names: ['address'],
    },
  ];

  const places: readonly Case[] = [
    { name: 'a path that leads nowhere', send: get('/api/nothing/here'), answers: missing },
    { name: 'another version’s path', send: get('/api/v9/rooms'), answers: missing },
    {
      name: 'a method that a path does not take',
      send: () => ask(world.program, world.member, '/api/send-msg'),
      answers: [405, 'METHOD_NOT_ALLOWED'],
      headers: { allow: 'POST' },
    },
    {
      name: 'DELETE of a list',
      send: () => ask(world.program, world.member, '/api/rooms', { method: 'DELETE' }),
      answers: [405, 'METHOD_NOT_ALLOWED'],
      headers: { allow: 'GET, HEAD' },
    },
    { name: 'an id that is no UUID', send: get('/api/rooms/1234'), answers: invalid, names: ['roomId'] },
    { name: 'an id with SQL in it', send: get(`/api/users/${encodeURIComponent("' or 1=1 --")}`), answers: invalid, names: ['userId'] },
    { name: 'a path that is no URL', send: get('/api/rooms/%zz'), answers: invalid },
    { name: 'a limit of none', send: get('/api/rooms?limit=0'), answers: invalid, names: ['limit'] },
    { name: 'a limit that is no number', send: get('/api/mailboxes/MAILBOX/threads?limit=ten'), answers: invalid, names: ['limit'] },
    { name: 'a limit beyond', send: get('/api/rooms/ROOM/timeline?limit=101'), answers: invalid, names: ['limit'] },
    { name: 'a cursor of one’s own', send: get('/api/rooms?cursor=bm9uc2Vuc2U'), answers: invalid, names: ['cursor'] },
    { name: 'a moment that is none', send: get('/api/rooms/ROOM/timeline?timestamp=yesterday'), answers: invalid, names: ['timestamp'] },
    { name: 'a view that there is not', send: get('/api/mailboxes/MAILBOX/threads?view=secret'), answers: invalid, names: ['view'] },
    {
      name: 'a position of one’s own',
      send: get('/api/rooms', { 'tidings-position': 'now' }),
      answers: invalid,
      names: ['Tidings-Position'],
    },
    {
      name: 'a place in the stream of one’s own',
      send: get('/api/sse', { 'last-event-id': 'latest' }),
      answers: invalid,
      names: ['Last-Event-ID'],
    },
    { name: 'a room that is not there', send: get(`/api/rooms/${UUID}`), answers: missing },
    { name: 'oneself', send: () => ask(world.program, world.member, `/api/users/${world.member.id}`), answers: missing },
    { name: 'a room of others, as a list entry', send: asStranger('/api/rooms/ROOM'), answers: missing },
    { name: 'a room of others, its people', send: asStranger('/api/rooms/ROOM/users'), answers: forbidden },
    { name: 'a room of others, its messages', send: asStranger('/api/rooms/ROOM/timeline'), answers: forbidden },
    { name: 'a room of others, to leave it', send: asStranger('/api/rooms/ROOM/leave', 'POST'), answers: forbidden },
    {
      name: 'a room of others, to speak in it',
      send: () => ask(world.program, world.stranger, '/api/send-msg', { body: { chatRoomId: world.room.id, msgBody: { text: 'hi' } } }),
      answers: forbidden,
    },
    { name: 'a mailbox of others', send: asStranger('/api/mailboxes/MAILBOX/threads'), answers: missing },
    {
      name: 'a mailbox of others, to join it',
      send: () =>
        ask(world.program, world.stranger, `/api/mailboxes/${world.mailbox.id}/members/${world.stranger.id}`, {
          method: 'PUT',
          body: { role: 'admin' },
        }),
      answers: missing,
    },
    {
      name: 'a mailbox, by who opens none',
      send: asStranger('/api/mailboxes', 'POST', { kind: 'shared', address: 'mine@tidings.test', name: 'Mine' }),
      answers: forbidden,
    },
    { name: 'an email that is not there', send: get(`/api/emails/${UUID}/raw`), answers: missing },
  ];

  return { tokens, bodies, places };
};
