/** What a back end does for its users by one token of the admin role (chat-contract §6), against the started program. */
import type { AdminRoom, Report } from '@tidings/contracts/http/admin';
import type { ChatRoom, Message, Page, User } from '@tidings/contracts/http/chat-objects';
import type { Problem } from '@tidings/contracts/http/problem';
import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ReachableProgram } from '../kit/program-holder.ts';
import { joinTown } from './shared-town.ts';
import { ask, askJson, type Asked, type Person } from './town.ts';

let town: Awaited<ReturnType<typeof joinTown>>;
let program: ReachableProgram;
let shop: Person;
let ann: Person;
let ben: Person;
let cas: Person;

beforeAll(async () => {
  town = await joinTown('Patron', 4);
  ({ program } = town);
  [, ann, ben, cas] = town.people as [Person, Person, Person, Person];
  const id = randomUUID();
  const token = await town.issuer.token({ sub: id, client_id: 'shop', azp: 'shop', realm_access: { roles: ['tidings-admin'] } });
  shop = { id, name: 'Shop', email: '', token };
  for (const person of [shop, ann, ben, cas]) await askJson(program, person, '/api/me');
});

const asShop = <A>(path: string, asked?: Asked): Promise<A> => askJson<A>(program, shop, path, asked);
const refusal = async (by: Person, path: string, asked: Asked = {}) => {
  const response = await ask(program, by, path, asked);
  const { errorCode, errors } = (await response.json()) as Problem;
  return [response.status, errorCode, ...(errors ?? []).map(({ path: field }) => field)];
};
const withName = async (id: string, name: string): Promise<User> => {
  const token = await town.issuer.token({ sub: id, name });
  return (await askJson<{ user: User }>(program, { id, name, email: '', token }, '/api/me')).user;
};
const newRoom = async (...members: readonly Person[]): Promise<string> =>
  (
    await askJson<ChatRoom>(program, members[0] ?? ann, '/api/rooms/create-room', {
      body: { roomType: 'Group', roomName: 'Fair', invitedUsers: members.map(({ id }) => id) },
    })
  ).id;
const say = (by: Person, chatRoomId: string, text: string): Promise<Message> =>
  askJson(program, by, '/api/send-msg', { body: { chatRoomId, msgBody: { text } } });

describe('the service API', () => {
  it('is closed to everybody else', async () => {
    const id = randomUUID();
    const asked: readonly [string, Asked][] = [
      [`/api/admin/users/${id}`, { method: 'PUT', body: { displayName: 'Eve' } }],
      [`/api/admin/users/${id}`, {}],
      ['/api/admin/users', {}],
      [`/api/admin/users/${id}/export`, {}],
      [`/api/admin/users/${id}`, { method: 'DELETE' }],
      ['/api/admin/rooms', { body: { roomType: 'Group', members: [ann.id, ben.id] } }],
      [`/api/admin/rooms/${id}`, {}],
      [`/api/admin/rooms/${id}/timeline`, {}],
      [`/api/admin/rooms/${id}/messages`, { body: { msgBody: { text: 'x' } } }],
      ['/api/admin/reports', {}],
      [`/api/admin/reports/${id}/resolve`, { body: { outcome: 'dismissed' } }],
    ];
    for (const [path, how] of asked) expect([path, ...(await refusal(ann, path, how))]).toEqual([path, 403, 'INSUFFICIENT_PERMISSIONS']);
  });
});

describe('users', () => {
  it('are provided before any token, and keep what was set until the identity provider says something new', async () => {
    const id = randomUUID();
    const path = `/api/admin/users/${id}`;
    expect(await refusal(shop, path)).toEqual([404, 'CONTENT_NOT_FOUND']);
    const body = { displayName: 'Dr Dora', description: 'Teeth', profilePicture: 'https://pictures.example/dora', role: 'ADMIN' };
    const made = await asShop<User>(path, { method: 'PUT', body });
    expect(made).toMatchObject({ id, ...body });
    expect(await asShop<User>(path, { method: 'PUT', body })).toEqual(made);
    expect((await withName(id, 'dora')).displayName, 'the first token').toBe('Dr Dora');
    expect((await withName(id, 'dora')).role).toBe('ADMIN');
    expect((await withName(id, 'Dora Dent')).displayName, 'a new name').toBe('Dora Dent');
    const changed = await asShop<User>(path, { method: 'PUT', body: { displayName: 'Dr Dent', description: null } });
    expect(changed).toMatchObject({ displayName: 'Dr Dent', description: null, profilePicture: body.profilePicture });
    expect((await withName(id, 'Dora Dent')).displayName, 'the same name again').toBe('Dr Dent');
    expect(await asShop<User>(path)).toMatchObject({ displayName: 'Dr Dent' });
  });

  it('with an address of ours get their mailbox', async () => {
    const id = randomUUID();
    await asShop(`/api/admin/users/${id}`, { method: 'PUT', body: { displayName: 'Mia', email: 'mia@tidings.test' } });
    const token = await town.issuer.token({ sub: id, name: 'Mia' });
    const me = await askJson<{ mailboxes: readonly { address: string }[] }>(program, { id, name: 'Mia', email: '', token }, '/api/me');
    expect(me.mailboxes.map(({ address }) => address)).toEqual(['mia@tidings.test']);
  });

  it('are listed by name, page by page', async () => {
    const names: string[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const page: Page<User> = await asShop(`/api/admin/users?name=patron&limit=2&cursor=${cursor}`);
      names.push(...page.content.map(({ displayName }) => displayName));
      cursor = page.nextCursor;
    }
    expect(names).toEqual(['Patron 02', 'Patron 03', 'Patron 04']);
    expect(await refusal(shop, '/api/admin/users?cursor=nonsense')).toEqual([400, 'VALIDATION_ERROR', 'cursor']);
    expect(await refusal(shop, `/api/admin/users/${ann.id}`, { method: 'PUT', body: { displayName: '' } })).toEqual([
      400,
      'VALIDATION_ERROR',
      'displayName',
    ]);
  });
});

describe('rooms', () => {
  it('are made for others, once for a key', async () => {
    const body = { roomType: 'Group', roomName: 'Queue', members: [ann.id, ben.id], owner: ben.id };
    const headers = { 'idempotency-key': randomUUID() };
    const { id } = await asShop<{ id: string }>('/api/admin/rooms', { body, headers });
    expect(await asShop('/api/admin/rooms', { body, headers })).toEqual({ id });
    const room = await asShop<AdminRoom>(`/api/admin/rooms/${id}`);
    expect(room).toMatchObject({ id, roomType: 'Group', roomName: 'Queue', roomImageUrl: null, createdBy: ben.id });
    expect(room.users.map(({ displayName, role, membershipStatus }) => [displayName, role, membershipStatus])).toEqual([
      ['Patron 02', 'member', 'Joined'],
      ['Patron 03', 'owner', 'Joined'],
    ]);
    expect((await askJson<ChatRoom>(program, ann, `/api/rooms/${id}`)).roomName).toBe('Queue');
    expect(await refusal(shop, '/api/admin/rooms', { body: { ...body, owner: cas.id } })).toEqual([400, 'VALIDATION_ERROR', 'owner']);
    expect(await refusal(shop, '/api/admin/rooms', { body: { ...body, members: [ann.id, randomUUID()], owner: ann.id } })).toEqual([
      404,
      'CONTENT_NOT_FOUND',
    ]);
  });

  it('are read and written by the service, which is in none of them, and by it in the name of members', async () => {
    const id = await newRoom(ann, ben);
    const path = `/api/admin/rooms/${id}`;
    const first = await say(ann, id, 'Is anybody there?');
    const body = { msgBody: { text: 'The shop is.' }, mentions: [ann.id] };
    const headers = { 'idempotency-key': randomUUID() };
    const own = await asShop<Message>(`${path}/messages`, { body, headers });
    expect(own).toMatchObject({ senderId: shop.id, msgBody: { text: 'The shop is.' }, mentions: [ann.id], seq: first.seq + 1 });
    expect(await asShop(`${path}/messages`, { body, headers })).toEqual(own);
    expect(await refusal(shop, `${path}/messages`, { body: { msgBody: { text: 'Other' } }, headers })).toEqual([
      422,
      'IDEMPOTENCY_KEY_REUSED',
    ]);
    const named = await asShop<Message>(`${path}/messages`, { body: { senderId: ben.id, msgBody: { text: 'Me too.' } } });
    expect(named.senderId).toBe(ben.id);
    expect(await refusal(shop, `${path}/messages`, { body: { senderId: cas.id, msgBody: { text: 'x' } } })).toEqual([
      400,
      'VALIDATION_ERROR',
      'senderId',
    ]);
    expect(await refusal(shop, `${path}/messages`, { body: { msgBody: { replyMsgId: own.messageId, replyText: 'x' } } })).toEqual([
      400,
      'VALIDATION_ERROR',
      'msgBody',
    ]);

    const seen = await askJson<readonly Message[]>(program, ann, `/api/rooms/${id}/timeline`);
    expect(seen.slice(0, 3)).toEqual([named, own, first]);
    expect(await asShop(`${path}/timeline`)).toEqual(seen);
    expect(await asShop(`${path}/timeline?before=${named.messageId}&limit=1`)).toEqual([own]);
    expect(await asShop(`${path}/timeline?after=${own.messageId}`)).toEqual([named]);
    const nowhere = randomUUID();
    for (const what of ['', '/timeline'])
      expect(await refusal(shop, `/api/admin/rooms/${nowhere}${what}`)).toEqual([404, 'CONTENT_NOT_FOUND']);
    expect(await refusal(shop, `/api/admin/rooms/${nowhere}/messages`, { body })).toEqual([404, 'CONTENT_NOT_FOUND']);
  });
});

describe('a group that its last member left', () => {
  it('is gone with all that was in it, for the service too', async () => {
    const id = await newRoom(ann, ben);
    const { messageId } = await say(ann, id, 'ephemeral');
    for (const member of [ann, ben]) await askJson(program, member, `/api/rooms/${id}/leave`, { method: 'POST' });
    for (const path of [`/api/admin/rooms/${id}`, `/api/admin/rooms/${id}/timeline`, `/api/admin/rooms/${id}/timeline?before=${messageId}`])
      expect(await refusal(shop, path)).toEqual([404, 'CONTENT_NOT_FOUND']);
    expect(await refusal(shop, `/api/admin/rooms/${id}/messages`, { body: { msgBody: { text: 'x' } } })).toEqual([
      404,
      'CONTENT_NOT_FOUND',
    ]);
    expect(await refusal(ann, `/api/rooms/${id}/image`)).toEqual([404, 'CONTENT_NOT_FOUND']);
    expect((await askJson<Page<object>>(program, ann, '/api/messages/search?q=ephemeral')).content).toEqual([]);
  });
});

describe('reports', () => {
  it('are listed, dismissed, or end with the message removed', async () => {
    const id = await newRoom(ann, ben, cas);
    const messages = [await say(ben, id, 'Buy this'), await say(ben, id, 'Buy that')];
    let position = '';
    for (const { messageId } of messages) {
      const path = `/api/rooms/${id}/messages/${messageId}/report`;
      position = (await ask(program, ann, path, { body: { reason: `About ${messageId}` } })).headers.get('tidings-position') ?? '';
    }
    await asShop('/api/admin/reports', { headers: { 'tidings-position': position } });
    /** Of this room, as others report what is said in theirs. */
    const list = async (query: string): Promise<readonly Report[]> => {
      const listed: Report[] = [];
      for (let cursor: string | null = ''; cursor !== null;) {
        const page: Page<Report> = await asShop(`/api/admin/reports?${query}&cursor=${cursor}`);
        listed.push(...page.content);
        cursor = page.nextCursor;
      }
      expect(new Set(listed.map(({ id: report }) => report)).size, 'each once').toBe(listed.length);
      return listed.filter(({ roomId }) => roomId === id);
    };
    const open = await list('state=open');
    expect(open.map(({ messageId, reason, state }) => [messageId, reason, state])).toEqual(
      messages.map(({ messageId }) => [messageId, `About ${messageId}`, 'open']),
    );
    const [first, second] = open as [Report, Report];
    expect((await asShop<Page<Report>>('/api/admin/reports?limit=1')).content).toHaveLength(1);
    expect(await list('limit=1')).toEqual([first, second]);

    const resolve = (report: Report, outcome: string) =>
      ask(program, shop, `/api/admin/reports/${report.id}/resolve`, { body: { outcome } });
    expect((await resolve(first, 'dismissed')).status).toBe(200);
    const pin = `/api/rooms/${id}/messages/${second.messageId}/pin`;
    await askJson(program, ann, pin, { method: 'PUT' });
    expect((await resolve(second, 'removed')).status).toBe(200);
    expect((await resolve(second, 'removed')).status).toBe(200);
    expect((await resolve(first, 'removed')).status).toBe(409);
    expect(await refusal(shop, `/api/admin/reports/${randomUUID()}/resolve`, { body: { outcome: 'removed' } })).toEqual([
      404,
      'CONTENT_NOT_FOUND',
    ]);
    const seen = await askJson<readonly Message[]>(program, cas, `/api/rooms/${id}/timeline`);
    expect(seen.slice(0, 2).map(({ deleted = false, pinned = false, msgBody }) => [deleted, pinned, msgBody])).toEqual([
      [true, false, { text: '' }],
      [false, false, { text: 'Buy this' }],
    ]);
    expect(await list('state=open')).toEqual([]);
    expect((await list('state=resolved')).map(({ outcome, resolvedBy }) => [outcome, resolvedBy])).toEqual([
      ['dismissed', shop.id],
      ['removed', shop.id],
    ]);
  });
});
