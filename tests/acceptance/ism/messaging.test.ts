/** Chat-contract §1.3 as a client meets it: what can be sent, who hears of it and in which order, and what a repetition does. */
import type { Report } from '@tidings/contracts/http/admin';
import type { ChatRoom, Message, Page, RoomMember } from '@tidings/contracts/http/chat-objects';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Listening } from '../../../services/sse/src/testing/listening.ts';
import {
  type Client,
  createRoom,
  expectEmpty,
  FORBIDDEN,
  INVALID,
  type Ism,
  MISSING,
  ok,
  problem,
  request,
  say,
  send,
  joinIsm,
} from './ism.ts';

let ism: Ism<'Ada' | 'Bob' | 'Cyd'>;
let [ada, bob, cyd] = [] as unknown as readonly [Client, Client, Client]; // set before any test
let room: string;
beforeAll(async () => {
  ism = await joinIsm('messaging', 'Ada', 'Bob', 'Cyd');
  [ada, bob, cyd] = [ism.as.Ada, ism.as.Bob, ism.as.Cyd];
});
beforeEach(async () => {
  room = (await createRoom(ada, 'Group', [bob])).id;
});
afterAll(() => ism.close());

const timelineOf = async (by: Client, query = '') => ok<readonly Message[]>(await by.get(`/api/rooms/${room}/timeline${query}`));

describe('sending', () => {
  const cases = (rows: readonly (readonly [name: string, msgBody: unknown, more?: object])[]) =>
    rows.map(([name, msgBody, more = {}]) => ({ name, msgBody, more }));
  const long = (length: number): string => '😀'.repeat(length);

  it.each(
    cases([
      ['a text of one character', { text: 'x' }],
      ['a text of 4000 characters, however many bytes', { text: long(4000) }],
      ['a text said to be one', { text: 'x' }, { msgType: 'Text' }],
      ['a text beside other fields: the first kind that fits', { text: 'x', mediaUrl: 'u', mediaType: 'IMAGE', colour: 'red' }],
      ['media at the limits', { mediaUrl: long(250), mediaType: long(80), mimeType: long(255), altText: long(1000) }, { msgType: 'Media' }],
      ['media with nulls', { mediaUrl: 'u', mediaType: 'IMAGE', mimeType: null, altText: null }],
      ['fields that nobody knows', { text: 'x' }, { colour: 'red', clientMessageId: null }],
    ]),
  )('takes $name', async ({ msgBody, more }) => {
    const sent = ok<Message>(await ada.post('/api/send-msg', { chatRoomId: room, msgBody, ...more }));
    expect(await timelineOf(bob)).toEqual([sent]);
  });

  it.each(
    cases([
      ['an empty text', { text: '' }],
      ['a text of 4001 characters', { text: long(4001) }],
      ['a text that is none', { text: 7 }],
      ['an empty address', { mediaUrl: '', mediaType: 'IMAGE' }],
      ['an address of 251 characters', { mediaUrl: long(251), mediaType: 'IMAGE' }],
      ['media without a type', { mediaUrl: 'u' }],
      ['a type of 81 characters', { mediaUrl: 'u', mediaType: long(81) }],
      ['a MIME type of 256 characters', { mediaUrl: 'u', mediaType: 'IMAGE', mimeType: long(256) }],
      ['a description of 1001 characters', { mediaUrl: 'u', mediaType: 'IMAGE', altText: long(1001) }],
      ['an empty reply', { replyMsgId: randomUUID(), replyText: '' }],
      ['a reply of 4001 characters', { replyMsgId: randomUUID(), replyText: long(4001) }],
      ['a reply to no id', { replyMsgId: '1', replyText: 'x' }],
      ['a reply to a moment that is none', { replyMsgId: randomUUID(), replyText: 'x', replyCreatedAt: 'then' }],
      ['nothing', {}],
      ['a text for a body', 'hello'],
      ['null for a body', null],
      ['a room change', { type: 'UserJoined', related_user: {} }],
      ['a room change said to be one', { type: 'UserLeft', related_user: {} }, { msgType: 'RoomChange' }],
      ['a text said to be media', { text: 'x' }, { msgType: 'Media' }],
      ['a kind that there is not', { text: 'x' }, { msgType: 'Poem' }],
    ]),
  )('refuses $name', async ({ msgBody, more }) => {
    const answer = await ada.post('/api/send-msg', { chatRoomId: room, msgBody, ...more });
    expect(problem(answer)).toEqual(INVALID);
    expect(answer.json<{ errors?: readonly object[] }>().errors, 'names the field').not.toHaveLength(0);
    expect(await timelineOf(bob)).toEqual([]);
  });

  it('answers what is in the room, by its id alone; ISM needed its time too', async () => {
    const first = await say(ada, room, 'first');
    const when = { replyCreatedAt: '2001-01-01T00:00:00Z' };
    ok(await send(bob, room, { replyMsgId: first.messageId, replyText: 'yes', ...when }));
    const elsewhere = await say(ada, (await createRoom(ada, 'Group', [cyd])).id, 'secret');
    for (const replyMsgId of [elsewhere.messageId, randomUUID()]) {
      expect(problem(await send(bob, room, { replyMsgId, replyText: 'what was it?' }))).toEqual(MISSING);
    }
    await ada.post(`/api/rooms/${room}/invite/${cyd.id}`);
    const [joined] = await timelineOf(ada);
    expect(problem(await send(bob, room, { replyMsgId: joined?.messageId, replyText: 'hello' }))).toEqual(INVALID);
  });

  it('marks the room read for its sender, up to the message', async () => {
    await say(bob, room, 'one');
    expect(ok<ChatRoom>(await ada.get(`/api/rooms/${room}`))).toMatchObject({ unread: true, unreadCount: 1 });
    await say(ada, room, 'two');
    expect(ok<ChatRoom>(await ada.get(`/api/rooms/${room}`))).toMatchObject({ unread: false, unreadCount: 0 });
    const readers = ok<readonly RoomMember[]>(await bob.get(`/api/rooms/${room}/read-states`));
    expect(readers.map(({ id }) => id)).toEqual([ada.id]);
  });

  it('is over with a private room when one blocks the other, both ways, and back when it is lifted', async () => {
    const [one, two] = [await ism.meet('Quarrel one'), await ism.meet('Quarrel two')];
    const { id } = await createRoom(one, 'Single', [two]);
    await one.post(`/api/users/ignore/${two.id}`);
    for (const by of [one, two]) expect(problem(await send(by, id, { text: 'x' }))).toEqual(FORBIDDEN);
    await one.remove(`/api/users/ignore/${two.id}`);
    expect(await say(two, id, 'peace')).toMatchObject({ seq: 1 });
  });
});

describe('the live stream', () => {
  it('tells every device of every member, the sender’s too, and nobody else', async () => {
    const ears = [await ada.listen(), await ada.listen(), await bob.listen()];
    const stranger = await cyd.listen();
    const sent = await say(ada, room, 'to all of us');
    for (const ear of ears) {
      const [event] = await ear.heard();
      const { type, createdAt, message, roomPreviewText } = event ?? { type: '' };
      expect([type, createdAt, message]).toEqual(['ChatMessage', sent.createdAt, sent]);
      expect(roomPreviewText).toEqual({ type: 'Text', sender_username: 'Ada', text: 'to all of us' });
      ear.close();
    }
    expect(await stranger.heard()).toEqual([]);
    stranger.close();
  });

  it('is text/event-stream, each frame `data:` of JSON with an `id:` (W7), and breathes within 5 s', async () => {
    const leave = new AbortController();
    const stream = await fetch(`${ism.program.httpUrl}/api/sse`, {
      headers: { authorization: `Bearer ${bob.token}` },
      signal: leave.signal,
    });
    expect([stream.status, stream.headers.get('content-type')]).toEqual([200, expect.stringMatching(/^text\/event-stream\b/)]);
    const sent = await send(ada, room, { text: 'framed' });
    let text = '';
    for await (const chunk of stream.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += chunk;
      if (/\n\n[^]*data:[^]*\n\n[^]*(?:^|\n):[^]*\n\n/.test(text) || /(?:^|\n):[^\n]*\n\n[^]*data:/.test(text)) break;
    }
    leave.abort();
    const frame = text.split('\n\n').find((one) => one.includes('data:')) ?? '';
    expect(
      frame
        .split('\n')
        .map((line) => line.slice(0, line.indexOf(':')))
        .toSorted(),
    ).toEqual(['data', 'id']);
    expect(frame).toContain(`"message":${sent.text}`);
  });

  it('has one order with the timeline, however many write at once', async () => {
    const ears = [await Listening.open(ism.program.httpUrl, ada.token), await Listening.open(ism.program.httpUrl, bob.token)];
    const sent = await Promise.all(Array.from({ length: 90 }, (_, n) => say(n % 2 === 0 ? ada : bob, room, `${n}`)));
    expect(sent.map(({ seq }) => seq).toSorted((a, b) => a - b)).toEqual(sent.map((_, n) => n + 1));
    const timeline = (await timelineOf(bob, '?limit=100')).map(({ messageId }) => messageId).toReversed();
    expect(timeline).toHaveLength(90);
    for (const ear of ears) {
      await ear.until(({ heard }) => heard.length === 90);
      expect(ear.heard.map(({ event }) => (event['message'] as Message).messageId)).toEqual(timeline);
      expect(ear.heard.map(({ id }) => id)).toEqual(ear.heard.map(({ id }) => id).toSorted());
      ear.close();
    }
  });
});

describe('a repetition (W3)', () => {
  it.each(['Idempotency-Key', 'clientMessageId'])('by %s has one answer and one message, whoever else uses the same', async (by) => {
    const name = randomUUID();
    const again = (client: Client, text: string) =>
      client.post(
        '/api/send-msg',
        { chatRoomId: room, msgBody: { text }, ...(by === 'clientMessageId' ? { clientMessageId: name } : {}) },
        by === 'clientMessageId' ? {} : { 'idempotency-key': name },
      );
    const answers = [...(await Promise.all(Array.from({ length: 8 }, () => again(ada, 'once')))), await again(ada, 'once')];
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect(problem(await again(ada, 'twice'))).toEqual([422, 'IDEMPOTENCY_KEY_REUSED']);
    ok(await again(bob, 'mine'));
    expect((await timelineOf(bob)).map(({ msgBody }) => msgBody)).toEqual([{ text: 'mine' }, { text: 'once' }]);
  });

  it('with another key, or none, is another message', async () => {
    for (const headers of [{ 'idempotency-key': 'a' }, { 'idempotency-key': 'b' }, {}, {}]) {
      ok(await ada.post('/api/send-msg', { chatRoomId: room, msgBody: { text: 'same' } }, headers));
    }
    expect(await timelineOf(bob)).toHaveLength(4);
  });

  it('is answered though its sender has left since', async () => {
    const key = { 'idempotency-key': randomUUID() };
    const body = { chatRoomId: room, msgBody: { text: 'bye' } };
    const first = await bob.post('/api/send-msg', body, key);
    await bob.post(`/api/rooms/${room}/leave`);
    expect((await bob.post('/api/send-msg', body, key)).text).toBe(first.text);
    expect(problem(await bob.post('/api/send-msg', body))).toEqual(FORBIDDEN);
  });
});

describe('a repetition of whatever else makes something', () => {
  type Asked = readonly [path: string, body?: object];
  /** Who asks for what, and then for what else under the same key. */
  interface Repeated {
    readonly by: Pick<Client, 'post'>;
    readonly asked: Asked;
    readonly other: Asked;
  }
  let service: Pick<Client, 'post'>;
  beforeAll(async () => {
    const token = await ism.issuer.token({ sub: randomUUID(), name: 'Back end', realm_access: { roles: ['tidings-admin'] } });
    service = {
      post: (path, body, headers = {}) =>
        request(ism.program, path, {
          method: 'POST',
          headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
          body: JSON.stringify(body ?? {}),
        }),
    };
  });
  const strangers = async (name: string) => [await ism.meet(`${name} one`), await ism.meet(`${name} two`)] as const;
  const browser = (name: string) => ({
    endpoint: `https://push.example/${name}`,
    keys: { p256dh: Buffer.alloc(65, 4).toString('base64url'), auth: Buffer.alloc(16).toString('base64url') },
  });
  const reports = async (): Promise<readonly string[]> => {
    for (const text of ['bad', 'worse']) {
      const { messageId } = await say(bob, room, text);
      expectEmpty(await ada.post(`/api/rooms/${room}/messages/${messageId}/report`, { reason: text }));
    }
    const token = await ism.issuer.token({ sub: randomUUID(), name: 'Moderator', realm_access: { roles: ['tidings-admin'] } });
    const found = async () =>
      ok<Page<Report>>(await request(ism.program, '/api/admin/reports?state=open', { headers: { authorization: `Bearer ${token}` } }))
        .content.filter(({ roomId }) => roomId === room)
        .map(({ id }) => id);
    await expect.poll(found, { timeout: 10_000, interval: 50 }).toHaveLength(2);
    return found();
  };

  const cases: Readonly<Record<string, () => Promise<Repeated>>> = {
    'a room': async () => {
      const asked = { roomType: 'Group', roomName: 'Once', invitedUsers: [ada.id, bob.id], firstMessage: { text: 'welcome' } };
      return { by: ada, asked: ['/api/rooms/create-room', asked], other: ['/api/rooms/create-room', { ...asked, roomName: 'Twice' }] };
    },
    'an invitation': async () => {
      const [one, two] = await strangers('Invited');
      return { by: ada, asked: [`/api/rooms/${room}/invite/${one.id}`], other: [`/api/rooms/${room}/invite/${two.id}`] };
    },
    'a leave': async () => ({
      by: bob,
      asked: [`/api/rooms/${room}/leave`],
      other: [`/api/rooms/${(await createRoom(ada, 'Group', [bob])).id}/leave`],
    }),
    'a friend request': async () => {
      const [one, two] = await strangers('Wanted');
      return { by: ada, asked: [`/api/users/friends/add/${one.id}`], other: [`/api/users/friends/add/${two.id}`] };
    },
    'a friend request accepted': async () => {
      const [one, two] = await strangers('Asking');
      for (const asking of [one, two]) expectEmpty(await asking.post(`/api/users/friends/add/${cyd.id}`));
      const accept = '/api/users/friends/accept-request';
      return { by: cyd, asked: [`${accept}/${one.id}`], other: [`${accept}/${two.id}`] };
    },
    'a report': async () => {
      const path = `/api/rooms/${room}/messages/${(await say(bob, room, 'bad')).messageId}/report`;
      return { by: ada, asked: [path, { reason: 'Rude' }], other: [path, { reason: 'Loud' }] };
    },
    'a browser for pushes': async () => ({
      by: ada,
      asked: ['/api/push-subscriptions', browser('one')],
      other: ['/api/push-subscriptions', browser('two')],
    }),
    'a notification': async () => {
      const told = { type: 'SystemMessage', toUser: bob.id, message: { order: 1 } };
      return { by: service, asked: ['/api/notify', told], other: ['/api/notify', { ...told, message: { order: 2 } }] };
    },
    'a room made by a back end': async () => {
      const asked = { roomType: 'Group', roomName: 'Queue', members: [ada.id, bob.id] };
      return { by: service, asked: ['/api/admin/rooms', asked], other: ['/api/admin/rooms', { ...asked, members: [ada.id, cyd.id] }] };
    },
    'a message of a back end': async () => {
      const path = `/api/admin/rooms/${room}/messages`;
      return { by: service, asked: [path, { msgBody: { text: 'once' } }], other: [path, { msgBody: { text: 'twice' } }] };
    },
    'what a moderator makes of a report': async () => {
      const [one, two] = await reports();
      const resolve = (id: string | undefined): Asked => [`/api/admin/reports/${id}/resolve`, { outcome: 'dismissed' }];
      return { by: service, asked: resolve(one), other: resolve(two) };
    },
  };

  it.each(Object.keys(cases))('%s: one answer under one key, none for anything else', async (name) => {
    const made = cases[name];
    if (made === undefined) throw new Error(`there is no ${name}`);
    const { by, asked, other } = await made();
    const key = { 'idempotency-key': `again-${randomUUID()}` };
    const again = () => by.post(asked[0], asked[1], key);
    const answers = [...(await Promise.all([again(), again(), again(), again()])), await again()];
    expect([...new Set(answers.map(({ status, text }) => `${status} ${text}`))]).toEqual([`200 ${answers[0]?.text}`]);
    expect(problem(await by.post(other[0], other[1], key))).toEqual([422, 'IDEMPOTENCY_KEY_REUSED']);
  });

  it('is answered though it could not be asked any more', async () => {
    const [asking, asked] = await strangers('Changing');
    const key = { 'idempotency-key': randomUUID() };
    const group = await createRoom(asking, 'Group', [asked]);
    const { messageId } = await say(asked, group.id, 'bad');
    const report = `/api/rooms/${group.id}/messages/${messageId}/report`;
    const request = `/api/users/friends/add/${asked.id}`;
    const all = async () => [await asking.post(report, { reason: 'Rude' }, key), await asking.post(request, undefined, key)];
    for (const answer of await all()) expectEmpty(answer);
    await asking.post(`/api/rooms/${group.id}/leave`);
    await asked.post(`/api/users/ignore/${asking.id}`);
    for (const answer of await all()) expectEmpty(answer);
    expect(problem(await asking.post(request))).toEqual(INVALID);
  });

  it('is told of once', async () => {
    const [asking, asked] = await strangers('Told once');
    const ear = await asked.listen();
    const key = { 'idempotency-key': randomUUID() };
    const { id } = await createRoom(asking, 'Group', [ada]);
    for (let n = 0; n < 3; n += 1) {
      await asking.post(`/api/users/friends/add/${asked.id}`, undefined, key);
      await asking.post(`/api/rooms/${id}/invite/${asked.id}`, undefined, key);
      await service.post('/api/notify', { type: 'SystemMessage', toUser: asked.id, message: 1 }, key);
    }
    expect(await ear.types()).toEqual(['FriendRequestReceived', 'NewRoom', 'SystemMessage']);
    ear.close();
  });
});

it('accepts at once with `Prefer: respond-async`, to be read at the position it names', async () => {
  const answer = await ada.post('/api/send-msg', { chatRoomId: room, msgBody: { text: 'soon' } }, { prefer: 'respond-async' });
  expect([answer.status, answer.text]).toEqual([202, '']);
  const position = answer.headers.get('tidings-position') ?? '';
  const headers = { authorization: `Bearer ${bob.token}`, 'tidings-position': position };
  const shown = await request(ism.program, `/api/rooms/${room}/timeline`, { headers });
  expect(ok<readonly Message[]>(shown)).toMatchObject([{ msgBody: { text: 'soon' } }]);
});
