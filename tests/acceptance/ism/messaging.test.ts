/** Chat-contract §1.3 as a client meets it: what can be sent, who hears of it and in which order, and what a repetition does. */
import type { ChatRoom, Message, RoomMember } from '@tidings/contracts/http/chat-objects';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Listening } from '../../../services/sse/src/testing/listening.ts';
import { type Client, createRoom, FORBIDDEN, INVALID, type Ism, MISSING, ok, problem, request, say, send, startIsm } from './ism.ts';

let ism: Ism<'Ada' | 'Bob' | 'Cyd'>;
let [ada, bob, cyd] = [] as unknown as readonly [Client, Client, Client]; // set before any test
let room: string;
beforeAll(async () => {
  ism = await startIsm({}, 'Ada', 'Bob', 'Cyd');
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

it('accepts at once with `Prefer: respond-async`, to be read at the position it names', async () => {
  const answer = await ada.post('/api/send-msg', { chatRoomId: room, msgBody: { text: 'soon' } }, { prefer: 'respond-async' });
  expect([answer.status, answer.text]).toEqual([202, '']);
  const position = answer.headers.get('tidings-position') ?? '';
  const headers = { authorization: `Bearer ${bob.token}`, 'tidings-position': position };
  const shown = await request(ism.program, `/api/rooms/${room}/timeline`, { headers });
  expect(ok<readonly Message[]>(shown)).toMatchObject([{ msgBody: { text: 'soon' } }]);
});
