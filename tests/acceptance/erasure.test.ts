/**
 * Someone is erased: nothing they wrote is left in any table, answer or stream, nor can the log be read; order and counts stay, and a replay
 * comes out alike (architecture §10).
 */
import { DEFAULT_PLACE } from '@tidings/infra/blobs/open';
import { DEFAULT_LOG } from '@tidings/infra/event-log/open';
import type { AdminRoom, Report } from '@tidings/contracts/http/admin';
import type { ChatRoom, Message, Page, User } from '@tidings/contracts/http/chat-objects';
import type { Media } from '@tidings/contracts/http/media';
import { streamId } from '@tidings/contracts/ids';
import { openPostgresLog } from '@tidings/infra/event-log/postgres/postgres-log';
import { createEventStore } from '@tidings/infra/event-store/store';
import { inProcessSignals } from '@tidings/infra/signals/in-process';
import { postgresSubjectKeys } from '@tidings/infra/subject-keys/postgres';
import { createHash, randomUUID } from 'node:crypto';
import type pg from 'pg';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { projectionsCommand } from '../../services/cli/src/projections/index.ts';
import { projections } from '../../services/projector/src/projections.ts';
import { Listening } from '../../services/sse/src/testing/listening.ts';
import { startProgram, type Program } from '../kit/program.ts';
import { onlookerPool } from '../kit/databases.ts';
import { ask, askJson, type Asked, foundTown, isCaughtUp, type Person, type Town, uuidOf } from './town.ts';

/** Stands in everything that she writes, and nowhere else. */
const MARKER = 'zqxvermilion';
const FILE = Buffer.from(`A letter of ${MARKER}, to be kept`);
const SHARED_FILE = Buffer.from('A leaflet that everybody has');

let town: Town;
let program: Program;
let database: pg.Pool;
let shop: Person;
let ann: Person;
let ben: Person;
let cas: Person;
let group: string;
let pair: string;
let sent: Message;
let file: Media;
let leaflet: Media;
/** Ben's answer to what she said. */
let quoting: Message;
/** Ben's file, which went from hand to hand: from him to her, from her to Cas, from Cas to the shop. */
let passedOn: Media;
let before: readonly Message[];
let annListens: Listening;
let benListens: Listening;

const upload = async (by: Person, bytes: Buffer, name: string): Promise<Media> => {
  const body = new FormData();
  body.append('file', new Blob([new Uint8Array(bytes)]), name);
  const response = await fetch(new URL('/api/media', program.httpUrl), {
    method: 'POST',
    headers: { authorization: `Bearer ${by.token}` },
    body,
  });
  expect(response.status).toBe(200);
  return (await response.json()) as Media;
};
const post = <A>(by: Person, path: string, body?: object, method = 'POST'): Promise<A> =>
  askJson<A>(program, by, path, { method, ...(body === undefined ? {} : { body }) });
const say = (by: Person, chatRoomId: string, msgBody: object): Promise<Message> => post(by, '/api/send-msg', { chatRoomId, msgBody });
const timeline = (by: Person, room: string): Promise<readonly Message[]> => askJson(program, by, `/api/rooms/${room}/timeline?limit=100`);
const status = async (by: Person, path: string, asked: Asked = {}): Promise<number> => (await ask(program, by, path, asked)).status;

beforeAll(async () => {
  town = await foundTown('Citizen', 4);
  [shop, , ben, cas] = town.people as [Person, Person, Person, Person];
  const id = uuidOf('she who is erased');
  const name = `Ann ${MARKER}`;
  const email = 'ann@tidings.test';
  ann = { id, name, email, token: await town.issuer.token({ sub: id, name, email }) };
  program = await startProgram({ env: { OIDC_ISSUER: town.issuer.url, LOG_LEVEL: 'error' } });
  database = onlookerPool(program.databaseUrl);
  for (const person of [shop, ann, ben, cas]) await askJson(program, person, '/api/me');

  const profile = { displayName: name, description: `About ${MARKER}`, profilePicture: `https://pictures.example/${MARKER}` };
  await post(shop, `/api/admin/users/${ann.id}`, profile, 'PUT');
  await post(ann, `/api/users/friends/add/${ben.id}`);
  await post(ben, `/api/users/friends/accept-request/${ann.id}`);
  await post(ann, `/api/users/friends/add/${cas.id}`);
  group = (
    await post<ChatRoom>(ann, '/api/rooms/create-room', {
      ...{ roomType: 'Group', roomName: `Room of ${MARKER}` },
      invitedUsers: [ann.id, ben.id, cas.id],
    })
  ).id;
  pair = (await post<ChatRoom>(ann, '/api/rooms/create-room', { roomType: 'Single', invitedUsers: [ann.id, ben.id] })).id;
  sent = await say(ann, group, { text: `First of ${MARKER}` });
  const other = await say(ben, group, { text: 'Something else' });
  quoting = await say(ben, group, { replyMsgId: sent.messageId, replyText: 'I see' });
  await post(
    ann,
    `/api/rooms/${group}/messages/${(await say(ann, group, { text: 'Later' })).messageId}`,
    { text: `Edited ${MARKER}` },
    'PATCH',
  );
  file = await upload(ann, FILE, `${MARKER}.txt`);
  leaflet = await upload(ann, SHARED_FILE, 'leaflet.txt');
  await upload(ben, SHARED_FILE, 'mine.txt');
  passedOn = await upload(ben, Buffer.from('A note to be passed on'), 'note.txt');
  const elsewhere = await post<ChatRoom>(cas, '/api/rooms/create-room', {
    ...{ roomType: 'Group', roomName: 'Elsewhere' },
    invitedUsers: [cas.id, shop.id],
  });
  for (const [by, room] of [
    [ben, pair],
    [ann, group],
    [cas, elsewhere.id],
  ] as const)
    await say(by, room, { mediaUrl: passedOn.mediaUrl, mediaType: 'FILE' });
  await say(ann, group, { mediaUrl: file.mediaUrl, mediaType: 'FILE', altText: `Letter of ${MARKER}` });
  await post(ann, `/api/rooms/${group}/messages/${other.messageId}/reactions/${encodeURIComponent('👍')}`, undefined, 'PUT');
  await post(ann, `/api/rooms/${group}/messages/${other.messageId}/report`, { reason: `Because ${MARKER}` });
  await post(ann, '/api/push-subscriptions', {
    endpoint: `https://push.example/${MARKER}`,
    keys: { p256dh: Buffer.alloc(65, 4).toString('base64url'), auth: Buffer.alloc(16).toString('base64url') },
  });
  await post(shop, '/api/notify', { type: 'SystemMessage', toUser: ann.id, message: { for: MARKER } });
  await post(ann, `/api/rooms/${group}`, { roomName: `Hall of ${MARKER}` }, 'PATCH');
  await say(ben, group, { text: 'The last word in the group' });
  await say(ann, pair, { text: `Between us: ${MARKER}` });
  await post(ann, `/api/rooms/${group}/mark-read`);
  before = await timeline(ben, group);
  annListens = await Listening.open(program.httpUrl, ann.token);
  benListens = await Listening.open(program.httpUrl, ben.token);
});
afterAll(async () => {
  annListens?.close();
  benListens?.close();
  await database.end();
  await program.stop();
  await town.issuer.close();
});

const caughtUp = (): Promise<unknown> =>
  vi.waitFor(async () => expect(await isCaughtUp(program)).toBe(true), { timeout: 30_000, interval: 100 });

/** Every table that holds the text in any column, also as bytes. */
const tablesWith = async (text: string): Promise<readonly string[]> => {
  const { rows } = await database.query<{ name: string }>(
    `select format('%I.%I', table_schema, table_name) as name from information_schema.tables
     where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')`,
  );
  const hex = Buffer.from(text).toString('hex');
  const found: string[] = [];
  for (const { name } of rows) {
    const { rowCount } = await database.query(`select 1 from ${name} t where t::text ilike $1 or t::text like $2 limit 1`, [
      `%${text}%`,
      `%${hex}%`,
    ]);
    if (rowCount !== 0) found.push(name);
  }
  return found;
};
const hasBlob = async (bytes: Buffer): Promise<boolean> =>
  (await database.query('select 1 from blob.blob where id = $1', [createHash('sha256').update(bytes).digest()])).rowCount === 1;

/** All that may tell of her, by those who knew her and by the service. */
const answers = async (): Promise<readonly string[]> => {
  const rooms = [
    `/api/rooms/${group}`,
    `/api/rooms/${group}/detailed`,
    `/api/rooms/${group}/users`,
    `/api/rooms/${group}/timeline?limit=100`,
  ];
  const more = [`/api/rooms/${group}/messages/${sent.messageId}`, `/api/rooms/${group}/read-states`, `/api/rooms/${pair}/detailed`];
  const people = [`/api/users/${ann.id}`, '/api/users/friends', '/api/users/friends/requests', '/api/users/search?username=a'];
  const finds = ['/api/rooms', `/api/messages/search?q=${MARKER}`, `/api/users/search?username=${MARKER}`, '/api/rooms/share-targets'];
  const files = [file.mediaUrl, leaflet.mediaUrl, `/api/rooms/${pair}/timeline?limit=100`];
  const service = [`/api/admin/users/${ann.id}`, '/api/admin/users', `/api/admin/rooms/${group}`, `/api/admin/rooms/${pair}`];
  const moderation = [`/api/admin/rooms/${group}/timeline?limit=100`, '/api/admin/reports', `/api/admin/users/${ben.id}/export`];
  const asked: readonly (readonly [Person, string])[] = [
    ...[ben, cas].flatMap((by) => [...rooms, ...more, ...people, ...finds, ...files].map((path) => [by, path] as const)),
    ...[...service, ...moderation].map((path) => [shop, path] as const),
  ];
  const seen: string[] = [];
  for (const [by, path] of asked) {
    const response = await ask(program, by, path);
    const text = await response.text();
    seen.push(`${by.name} ${path.replaceAll(MARKER, '…')} ${response.status} ${text.replaceAll(/"(timestamp|traceId|at)":"[^"]*"/g, '')}`);
  }
  return seen;
};
/** All that the live feed ever told someone. */
const told = async (person: Person): Promise<string> => {
  const end = await say(cas, group, { text: 'That is all' });
  const listening = await Listening.open(program.httpUrl, person.token, '0000000000000000');
  await listening.until(({ heard }) => JSON.stringify(heard.at(-1)?.event ?? null).includes(end.messageId));
  listening.close();
  return JSON.stringify(listening.heard.slice(0, -1));
};

describe('before it', () => {
  it('what she wrote is everywhere', async () => {
    expect((await tablesWith(MARKER)).length).toBeGreaterThan(5);
    expect((await answers()).filter((answer) => answer.includes(MARKER)).length).toBeGreaterThan(10);
    expect(await hasBlob(FILE)).toBe(true);
  });

  it('an export tells all of it, to its end', async () => {
    const response = await ask(program, shop, `/api/admin/users/${ann.id}/export`);
    expect(response.headers.get('content-type')).toBe('application/x-ndjson');
    const lines = (await response.text()).trimEnd().split('\n');
    const facts = lines.map((line) => JSON.parse(line) as { readonly kind: string; readonly [field: string]: unknown });
    expect(facts[0]).toMatchObject({ kind: 'export', version: 1, userId: ann.id });
    expect(facts[1]).toMatchObject({
      kind: 'now',
      profile: { displayName: ann.name },
      friends: [ben.id],
      requestsSent: [cas.id],
      mailboxes: [{ role: 'admin' }],
    });
    expect(facts.at(-1)).toEqual({ kind: 'end', lines: lines.length - 1 });
    const kinds = new Set(facts.map(({ kind }) => kind));
    for (const kind of [
      'profile',
      'relationship',
      'room',
      'message',
      'reaction',
      'read-mark',
      'report',
      'notification',
      'media',
      'mailbox',
    ])
      expect(kinds).toContain(kind);
    const own = facts.filter(({ kind }) => kind === 'message');
    expect(own.map(({ senderId }) => senderId).every((id) => id === ann.id)).toBe(true);
    expect(JSON.stringify(own)).toContain(`First of ${MARKER}`);
    expect(JSON.stringify(facts)).not.toContain('The last word');
    for (const [path, method] of [
      ['/export', 'GET'],
      ['', 'DELETE'],
    ] as const)
      expect(await status(shop, `/api/admin/users/${randomUUID()}${path}`, { method })).toBe(404);
  });
});

describe('after it', () => {
  let ticket: string;
  beforeAll(async () => {
    ({ ticket } = await post<{ ticket: string }>(ann, '/api/stream-ticket'));
    await post(shop, `/api/admin/users/${ann.id}`, undefined, 'DELETE');
    await caughtUp();
  });

  it('she is out, with old tokens and new ones, and her stream has ended', async () => {
    expect(await status(ann, '/api/me')).toBe(403);
    const again = { ...ann, token: await town.issuer.token({ sub: ann.id, name: 'Ann again' }) };
    expect(await status(again, '/api/me')).toBe(403);
    await annListens.until(({ ended }) => ended);
    const withTicket = await fetch(new URL(`/api/sse?ticket=${ticket}`, program.httpUrl), { signal: AbortSignal.timeout(10_000) });
    expect(await withTicket.text(), 'ends at once').not.toMatch(/^(id|data):/m);
  });

  it('no table holds what she wrote', async () => {
    expect(await tablesWith(MARKER)).toEqual([]);
    expect(await hasBlob(FILE)).toBe(false);
    // Bytes are set aside while somebody asks who needs them, and put back.
    await vi.waitFor(async () => expect(await hasBlob(SHARED_FILE), 'others have it too').toBe(true), { timeout: 10_000, interval: 50 });
  });

  it('nobody remembers when she was there', async () => {
    for (const table of ['last_seen', 'session']) {
      expect((await database.query(`select from presence.${table} where user_id = $1`, [ann.id])).rowCount, table).toBe(0);
    }
  });

  it('no answer tells it, nor what her name was', async () => {
    const all = await answers();
    expect(all.filter((answer) => answer.toLowerCase().includes(MARKER))).toEqual([]);
    expect((await askJson<User>(program, shop, `/api/admin/users/${ann.id}`)).displayName).toBe('Deleted user');
    const room = await askJson<AdminRoom>(program, shop, `/api/admin/rooms/${group}`);
    expect(room.users.find(({ id }) => id === ann.id)).toMatchObject({ displayName: 'Deleted user', membershipStatus: 'Left' });
    const { content } = await askJson<Page<Report>>(program, shop, '/api/admin/reports');
    expect(content).toMatchObject([{ reportedBy: ann.id, reason: null }]);
    expect(await status(shop, `/api/admin/users/${ann.id}/export`)).toBe(404);
    expect(await askJson(program, ben, '/api/users/friends')).toEqual([]);
    expect(await askJson(program, cas, '/api/users/friends/requests')).toEqual([]);
  });

  it('the live feed does not tell it to who resumes', async () => {
    for (const person of [ben, cas]) expect((await told(person)).toLowerCase()).not.toContain(MARKER);
  });

  it('the log cannot be read any more', async () => {
    const { rows } = await database.query<{ key: Buffer | null }>('select key from keys.subject_key where subject = $1', [ann.id]);
    expect(rows).toEqual([{ key: null }]);
    const pool = onlookerPool(program.databaseUrl);
    const log = await openPostgresLog({
      url: program.databaseUrl,
      logger: pino({ level: 'silent' }),
      signals: inProcessSignals(),
    });
    const events = createEventStore(log, postgresSubjectKeys({ pool }));
    const [message] = await events.readStream(streamId('message', `${group}.${sent.messageId}`));
    expect(message?.data).toMatchObject({ senderId: ann.id, body: { shredded: true } });
    const [answer] = await events.readStream(streamId('message', `${group}.${quoting.messageId}`));
    const quoted = { messageId: sent.messageId, senderId: ann.id, body: { shredded: true } };
    expect(answer?.data, 'quoted by him, and hers').toMatchObject({ senderId: ben.id, body: { text: 'I see', quoted } });
    await log.close();
    await pool.end();
  });

  it('who got a file of somebody else through her keeps it', async () => {
    expect(await status(shop, passedOn.mediaUrl)).toBe(200);
  });

  it('places, order and counts are as before', async () => {
    const now = (await timeline(ben, group)).filter(({ seq }) => seq <= (before[0]?.seq ?? 0));
    expect(now.map(({ seq, messageId, senderId, createdAt }) => [seq, messageId, senderId, createdAt])).toEqual(
      before.map(({ seq, messageId, senderId, createdAt }) => [seq, messageId, senderId, createdAt]),
    );
    for (const { senderId, msgType, erased = false, msgBody } of now)
      if (senderId === ann.id && msgType !== 'RoomChange') expect([erased, msgBody]).toEqual([true, { text: '' }]);
  });

  it('nobody can bring her back', async () => {
    expect(await status(ben, `/api/users/friends/add/${ann.id}`, { method: 'POST' })).toBe(404);
    expect(await status(ben, `/api/rooms/${group}/invite/${ann.id}`, { method: 'POST' })).toBe(404);
    expect(await status(shop, `/api/admin/users/${ann.id}`, { method: 'PUT', body: { displayName: 'Ann' } })).toBe(409);
    await say(ben, pair, { text: 'Are you there?' });
    const room = await askJson<AdminRoom>(program, shop, `/api/admin/rooms/${pair}`);
    expect(room.users.find(({ id }) => id === ann.id)?.membershipStatus).toBe('Left');
    expect(await status(shop, `/api/admin/users/${ann.id}`, { method: 'DELETE' }), 'once more').toBe(200);
  });

  it('a replay comes out alike', async () => {
    const heard = await told(ben);
    const was = await answers();
    const databaseUrl = program.databaseUrl;
    await Promise.all(
      projections.map(async ({ name }) => {
        let said = '';
        const context = {
          databaseUrl,
          blobs: DEFAULT_PLACE,
          eventLog: DEFAULT_LOG,
          stdout: { write: (text: string) => void (said += text) },
        };
        for (const command of ['replay', 'cutover', 'retire'])
          expect([name, command, await projectionsCommand([command, name], context), said]).toEqual([name, command, 0, said]);
      }),
    );
    await caughtUp();
    const is = await answers();
    expect(await status(shop, passedOn.mediaUrl)).toBe(200);
    const differ = was.flatMap((answer, at) => (answer === is[at] ? [] : [[answer, is[at]]]));
    expect(differ.slice(0, 3)).toEqual([]);
    expect((await told(ben)).startsWith(heard.slice(0, -1))).toBe(true);
    expect(await tablesWith(MARKER)).toEqual([]);
  });
});
