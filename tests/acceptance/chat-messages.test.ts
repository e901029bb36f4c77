/** Messages after they were sent, over HTTP: edits, deletion, reactions, mentions, threads, pins, and what a block hides (chat-contract §6). */
import type { ChatRoom, Message } from '@tidings/contracts/http/chat-objects';
import type { Reaction } from '@tidings/contracts/http/messages';
import type { Problem } from '@tidings/contracts/http/problem';
import { streamId } from '@tidings/contracts/ids';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { conflict, forbidden, invalid, missing, ok, problem, seen } from './answers.ts';
import { startChat, type Answer, type ChatStack, type Client } from './chat-stack.ts';

let chat: ChatStack<'ada' | 'bob' | 'cyd' | 'dan'>;
let ada: Client;
let bob: Client;
let cyd: Client;
let dan: Client;
beforeAll(async () => {
  chat = await startChat('ada', 'bob', 'cyd', 'dan');
  ({ ada, bob, cyd, dan } = chat.as);
});
afterAll(() => chat.close());

const fields = (answer: Answer) => answer.json<Problem>().errors?.map(({ path }) => path.split('.')[0]);

const create = async (by: Client, roomType: 'Single' | 'Group', ...others: readonly Client[]): Promise<string> => {
  const answer = await by.post('/api/rooms/create-room', { roomType, invitedUsers: [by.id, ...others.map(({ id }) => id)] });
  expect(answer.status).toBe(200);
  return answer.json<ChatRoom>().id;
};
const send = (by: Client, chatRoomId: string, text: string, more: object = {}, headers?: Record<string, string>) =>
  by.post('/api/send-msg', { chatRoomId, msgBody: { text }, ...more }, headers);
const say = async (by: Client, room: string, text = 'hello', more: object = {}): Promise<Message> => {
  const answer = await send(by, room, text, more);
  expect(answer.status).toBe(200);
  return answer.json<Message>();
};
const reply = (by: Client, chatRoomId: string, to: Message, replyText: string) =>
  by.post('/api/send-msg', { chatRoomId, msgBody: { replyMsgId: to.messageId, replyText } });
const path = (room: string, messageId: string) => `/api/rooms/${room}/messages/${messageId}`;
const edit = (by: Client, { chatRoomId, messageId }: Message, body: object) => by.patch(path(chatRoomId, messageId), body);
const remove = (by: Client, { chatRoomId, messageId }: Message) => by.remove(path(chatRoomId, messageId));
const react = (by: Client, { chatRoomId, messageId }: Message, emoji: string) =>
  by.put(`${path(chatRoomId, messageId)}/reactions/${encodeURIComponent(emoji)}`);
const unreact = (by: Client, { chatRoomId, messageId }: Message, emoji: string) =>
  by.remove(`${path(chatRoomId, messageId)}/reactions/${encodeURIComponent(emoji)}`);
const pin = (by: Client, { chatRoomId, messageId }: Message) => by.put(`${path(chatRoomId, messageId)}/pin`);
const unpin = (by: Client, { chatRoomId, messageId }: Message) => by.remove(`${path(chatRoomId, messageId)}/pin`);
const timeline = async (by: Client, room: string) => (await by.get(`/api/rooms/${room}/timeline`)).json<readonly Message[]>();
const pins = async (by: Client, room: string) =>
  (await by.get(`/api/rooms/${room}/pins`)).json<readonly Message[]>().map(({ messageId }) => messageId);
const look = async (by: Client, { chatRoomId, messageId }: Message) => (await by.get(path(chatRoomId, messageId))).json<Message>();

describe('an edit', () => {
  it('is for its author, shows everywhere at once, and keeps the place', async () => {
    const room = await create(ada, 'Group', bob, cyd);
    const first = await say(ada, room, 'helo', { mentions: [bob.id] });
    await say(bob, room);
    const edited = await edit(ada, first, { text: 'hello' });
    const { editedAt, ...rest } = edited.json<Message>();
    expect(rest).toEqual({ ...first, msgBody: { text: 'hello' } });
    expect(editedAt).toBeTypeOf('string');
    expect((await bob.get(path(room, first.messageId))).text).toBe(edited.text);
    expect(JSON.stringify((await timeline(cyd, room)).at(-1))).toBe(edited.text);
    expect((await edit(ada, first, { text: 'hello' })).text).toBe(edited.text);
    expect((await edit(ada, first, { text: 'hello', mentions: [] })).json<Message>()).not.toHaveProperty('mentions');
    expect((await edit(ada, first, { text: 'hello', mentions: [cyd.id, cyd.id] })).json<Message>().mentions).toEqual([cyd.id]);
  });

  it('of a reply leaves the quote, and a quote stays what was answered', async () => {
    const room = await create(ada, 'Group', bob);
    const asked = await say(ada, room, 'when?');
    const answered = (await reply(bob, room, asked, 'nw')).json<Message>();
    await edit(ada, asked, { text: 'where?' });
    const edited = (await edit(bob, answered, { text: 'now' })).json<Message>();
    expect(edited.msgBody).toEqual({ ...answered.msgBody, replyText: 'now' });
    await remove(ada, asked);
    expect(await look(bob, answered)).toMatchObject({ msgBody: { replyMsgDetails: { text: 'when?' } } });
  });

  it('is refused to others, to strangers, and for what is not there', async () => {
    const room = await create(ada, 'Group', bob);
    const sent = await say(ada, room);
    expect(problem(await edit(bob, sent, { text: 'x' }))).toEqual(forbidden);
    expect(problem(await edit(dan, sent, { text: 'x' }))).toEqual(forbidden);
    expect(problem(await edit(ada, { ...sent, messageId: randomUUID() as Message['messageId'] }, { text: 'x' }))).toEqual(missing);
    const elsewhere = await create(ada, 'Group', bob);
    expect(problem(await ada.patch(path(elsewhere, sent.messageId), { text: 'x' }))).toEqual(missing);
    for (const text of ['', 'x'.repeat(4001), 7]) expect(fields(await edit(ada, sent, { text }))).toEqual(['text']);
    for (const mentions of [[dan.id], ['nobody'], Array.from({ length: 51 }, () => bob.id)])
      expect([(await edit(ada, sent, { text: 'x', mentions })).status, fields(await edit(ada, sent, { text: 'x', mentions }))]).toEqual([
        400,
        ['mentions'],
      ]);
    const media = (await ada.post('/api/send-msg', { chatRoomId: room, msgBody: { mediaUrl: 'u', mediaType: 'IMAGE' } })).json<Message>();
    const refused = await edit(ada, media, { text: 'x' });
    expect([problem(refused), fields(refused)]).toEqual([invalid, ['messageId']]);
    expect(await look(bob, sent)).toEqual(sent);
  });
});

describe('sending again under the same key', () => {
  it('gives the first answer, whatever came of the message since; once it is deleted, nothing of what it said', async () => {
    const room = await create(ada, 'Group', bob);
    const key = { 'idempotency-key': randomUUID() };
    const again = () => send(ada, room, 'helo', { mentions: [bob.id] }, key);
    const first = await again();
    const sent = first.json<Message>();
    await edit(ada, sent, { text: 'hello', mentions: [] });
    await Promise.all([react(bob, sent, '👍'), pin(bob, sent)]);
    expect(seen(await again())).toEqual(seen(first));
    expect((await timeline(bob, room)).length).toBe(1);
    await remove(ada, sent);
    expect((await again()).json<Message>()).toMatchObject({ messageId: sent.messageId, seq: 1, msgBody: { text: '' }, deleted: true });
  });
});

describe('a deletion', () => {
  it('leaves an empty place, once, and takes reactions and pin with it', async () => {
    const room = await create(ada, 'Group', bob);
    const sent = await say(ada, room);
    await Promise.all([react(bob, sent, '👍'), pin(bob, sent)]);
    expect(seen(await remove(ada, sent))).toEqual(ok);
    expect(seen(await remove(ada, sent))).toEqual(ok);
    expect(await look(bob, sent)).toEqual({ ...sent, msgBody: { text: '' }, deleted: true });
    expect((await timeline(bob, room)).map(({ seq, deleted }) => [seq, deleted])).toEqual([[1, true]]);
    expect(await pins(bob, room)).toEqual([]);
    expect((await bob.get(`${path(room, sent.messageId)}/reactions`)).json()).toEqual([]);
    const refusals = [
      await edit(ada, sent, { text: 'again' }),
      ...[await react(bob, sent, '👍'), await pin(bob, sent), await reply(bob, room, sent, 'what?')],
      await edit(ada, { ...sent, messageId: randomUUID() as Message['messageId'] }, { text: 'never was' }),
    ];
    for (const refused of refusals) expect(problem(refused)).toEqual(missing);
    expect(new Set(refusals.map((refused) => refused.json<Problem>().message)).size, 'one answer for what is not there').toBe(1);
    expect((await say(bob, room)).seq).toBe(2);
  });

  it('is for the author and for who moderates the group', async () => {
    const room = await create(ada, 'Group', bob, cyd);
    const [one, two] = [await say(cyd, room), await say(cyd, room)];
    expect(problem(await remove(bob, one))).toEqual(forbidden);
    expect(problem(await remove(dan, one))).toEqual(forbidden);
    expect(seen(await remove(ada, one))).toEqual(ok);
    await ada.put(`/api/rooms/${room}/users/${bob.id}/role`, { role: 'admin' });
    expect(seen(await remove(bob, two))).toEqual(ok);
    expect(problem(await ada.remove(path(room, randomUUID())))).toEqual(missing);
    const pair = await create(ada, 'Single', cyd);
    expect(problem(await remove(ada, await say(cyd, pair)))).toEqual(forbidden);
  });
});

describe('reactions', () => {
  it('are counted, once each, and can be taken back', async () => {
    const room = await create(ada, 'Group', bob, cyd);
    const sent = await say(ada, room);
    for (const [by, emoji] of [
      [bob, '👍'],
      [ada, '👨‍👩‍👧‍👦'],
      [cyd, '👍'],
      [bob, '👍'],
      [cyd, ':party_parrot:'],
    ] as const)
      expect(seen(await react(by, sent, emoji))).toEqual(ok);
    expect((await look(ada, sent)).reactions).toEqual([
      { emoji: '👍', count: 2, userIds: [bob.id, cyd.id] },
      { emoji: '👨‍👩‍👧‍👦', count: 1, userIds: [ada.id] },
      { emoji: ':party_parrot:', count: 1, userIds: [cyd.id] },
    ]);
    expect(seen(await unreact(bob, sent, '👍'))).toEqual(ok);
    expect(seen(await unreact(bob, sent, '👍'))).toEqual(ok);
    const listed = (await bob.get(`${path(room, sent.messageId)}/reactions`)).json<readonly Reaction[]>();
    expect(listed.map(({ emoji }) => emoji)).toEqual(['👨‍👩‍👧‍👦', '👍', ':party_parrot:']);
    await unreact(cyd, sent, '👍');
    await unreact(cyd, sent, ':party_parrot:');
    await unreact(ada, sent, '👨‍👩‍👧‍👦');
    expect(await look(ada, sent)).toEqual(sent);
  });

  it('of one keyboard are those of another', async () => {
    const sent = await say(ada, await create(ada, 'Group', bob));
    await react(ada, sent, '❤');
    await react(bob, sent, '❤️');
    expect((await look(ada, sent)).reactions).toMatchObject([{ emoji: '❤️', count: 2 }]);
  });

  it('are emoji, on messages that one sees, and not too many', async () => {
    const sent = await say(ada, await create(ada, 'Group', bob));
    for (const emoji of ['x', '👍👍', ':Nope:', 'a/b', ' ']) {
      expect(problem(await react(bob, sent, emoji))).toEqual(invalid);
      expect(fields(await react(bob, sent, emoji))).toEqual(['emoji']);
    }
    for (let n = 0; n < 20; n += 1) expect(seen(await react(bob, sent, `:n${n}:`))).toEqual(ok);
    expect(problem(await react(bob, sent, ':one_more:'))).toEqual(conflict);
    expect(problem(await react(dan, sent, '👍'))).toEqual(forbidden);
    expect(problem(await react(bob, { ...sent, messageId: randomUUID() as Message['messageId'] }, '👍'))).toEqual(missing);
  });
});

describe('mentions', () => {
  it('name members, each once, and none are not told of', async () => {
    const room = await create(ada, 'Group', bob, cyd);
    expect((await say(ada, room, '@bob', { mentions: [bob.id, cyd.id, bob.id] })).mentions).toEqual([bob.id, cyd.id]);
    expect(await say(ada, room, 'all', { mentions: [] })).not.toHaveProperty('mentions');
    for (const mentions of [[dan.id], [randomUUID()], 'bob', Array.from({ length: 51 }, () => bob.id)]) {
      const refused = await send(ada, room, 'x', { mentions });
      expect([refused.status, new Set(fields(refused))]).toEqual([400, new Set(['mentions'])]);
    }
  });

  it('bring back who left a private room', async () => {
    const room = await create(ada, 'Single', bob);
    await bob.post(`/api/rooms/${room}/leave`);
    expect((await say(ada, room, '@bob', { mentions: [bob.id] })).mentions).toEqual([bob.id]);
  });

  it('belong to the key that a message was sent under', async () => {
    const room = await create(ada, 'Group', bob);
    const key = { 'idempotency-key': randomUUID() };
    const first = await send(ada, room, 'hi', { mentions: [bob.id] }, key);
    expect((await send(ada, room, 'hi', { mentions: [bob.id] }, key)).text).toBe(first.text);
    expect((await send(ada, room, 'hi', {}, key)).status).toBe(422);
  });
});

describe('a thread', () => {
  it('is a list of entries of the room, with a summary on its first message', async () => {
    const room = await create(ada, 'Group', bob);
    const root = await say(ada, room, 'topic');
    const replies: Message[] = [];
    for (let n = 0; n < 4; n += 1) {
      replies.push(await say(n % 2 === 0 ? bob : ada, room, `reply ${n}`, { threadId: root.messageId }));
      await say(ada, room, 'beside it');
    }
    expect(replies.map(({ seq, threadId }) => [seq, threadId])).toEqual([2, 4, 6, 8].map((seq) => [seq, root.messageId]));
    expect((await look(bob, root)).thread).toEqual({ replyCount: 4, lastReplyAt: replies.at(-1)?.createdAt });
    const page = async (query: string) => (await bob.get(`${path(room, root.messageId)}/thread${query}`)).json<readonly Message[]>();
    expect(await page('')).toEqual(replies.toReversed());
    const two = await page('?limit=2');
    expect(two).toEqual([replies[3], replies[2]]);
    expect(await page(`?limit=2&before=${two.at(-1)?.messageId}`)).toEqual([replies[1], replies[0]]);
    expect(await page(`?before=${replies[0]?.messageId}`)).toEqual([]);
    expect((await timeline(bob, room)).length).toBe(9);
  });

  it('is one level deep, of this room, and goes on when its first message is deleted', async () => {
    const room = await create(ada, 'Group', bob);
    const root = await say(ada, room, 'topic');
    const inside = await say(bob, room, 'reply', { threadId: root.messageId });
    const nested = await send(bob, room, 'deeper', { threadId: inside.messageId });
    expect([problem(nested), fields(nested)]).toEqual([invalid, ['threadId']]);
    expect(problem(await send(bob, room, 'x', { threadId: randomUUID() }))).toEqual(missing);
    const elsewhere = await create(ada, 'Group', bob);
    expect(problem(await send(bob, elsewhere, 'x', { threadId: root.messageId }))).toEqual(missing);
    expect(problem(await bob.get(`${path(elsewhere, root.messageId)}/thread`))).toEqual(missing);
    expect(problem(await dan.get(`${path(room, root.messageId)}/thread`))).toEqual(forbidden);
    await remove(ada, root);
    await say(bob, room, 'still', { threadId: root.messageId });
    expect(await look(bob, root)).toMatchObject({ deleted: true, thread: { replyCount: 2 } });
    await remove(bob, inside);
    expect(await look(bob, root), 'replies that stand').toMatchObject({ thread: { replyCount: 1 } });
  });
});

describe('pins', () => {
  it('are for every member to set and to take away, the last one first', async () => {
    const room = await create(ada, 'Group', bob);
    const [one, two] = [await say(ada, room), await say(ada, room)];
    for (const sent of [two, one, two]) expect(seen(await pin(bob, sent))).toEqual(ok);
    expect(await pins(ada, room)).toEqual([one.messageId, two.messageId]);
    expect((await timeline(ada, room)).map(({ pinned }) => pinned)).toEqual([true, true]);
    expect(seen(await unpin(ada, one))).toEqual(ok);
    expect(seen(await unpin(ada, one))).toEqual(ok);
    expect(await pins(bob, room)).toEqual([two.messageId]);
    expect(await look(ada, one)).toEqual(one);
    for (const answer of [pin(dan, one), unpin(dan, one), dan.get(`/api/rooms/${room}/pins`), dan.get(`/api/rooms/${randomUUID()}/pins`)])
      expect(problem(await answer)).toEqual(forbidden);
  });

  it('are at most 50, and a deleted message gives its pin back', async () => {
    const room = await create(ada, 'Group', bob);
    const all: Message[] = [];
    for (let n = 0; n < 51; n += 1) all.push(await say(ada, room, `${n}`));
    for (const sent of all.slice(0, 50)) expect((await pin(ada, sent)).status).toBe(200);
    const [first, last] = [all[0], all[50]];
    if (first === undefined || last === undefined) throw new Error('there are 51');
    expect(problem(await pin(bob, last))).toEqual(conflict);
    await remove(ada, first);
    expect(seen(await pin(bob, last))).toEqual(ok);
    expect((await pins(bob, room)).length).toBe(50);
  });
});

describe('a block', () => {
  it('hides in groups what the blocked one writes, and what others quote of it', async () => {
    const room = await create(ada, 'Group', bob, cyd);
    const root = await say(bob, room, 'secret', { mentions: [ada.id] });
    const quoting = (await reply(cyd, room, root, 'indeed')).json<Message>();
    const inThread = await say(bob, room, 'secret too', { threadId: root.messageId });
    await pin(cyd, root);
    await react(cyd, root, '👍');
    await ada.post(`/api/users/ignore/${bob.id}`);
    const stub = (sent: Message) => ({ seq: sent.seq, senderId: bob.id, msgBody: { text: '' }, msgType: 'Text', hidden: true });
    const [third, second, first] = await timeline(ada, room);
    expect(first).toMatchObject({ ...stub(root), pinned: true, thread: { replyCount: 1 } });
    for (const gone of ['mentions', 'reactions']) expect(first).not.toHaveProperty(gone);
    expect(second).toMatchObject({ seq: 2, msgBody: { replyText: 'indeed', replySenderId: bob.id, replyMsgDetails: { text: '' } } });
    expect(third).toMatchObject({ ...stub(inThread), threadId: root.messageId });
    expect(await look(ada, root)).toEqual(first);
    expect((await ada.get(`${path(room, root.messageId)}/thread`)).json()).toEqual([third]);
    expect((await ada.get(`/api/rooms/${room}/pins`)).json()).toEqual([first]);
    expect((await ada.get(`${path(room, root.messageId)}/reactions`)).json()).toEqual([]);
    expect(problem(await reply(ada, room, root, 'what was it?'))).toEqual(missing);
    for (const by of [bob, cyd]) expect((await timeline(by, room)).map(({ hidden }) => hidden)).toEqual([undefined, undefined, undefined]);
    expect(await look(cyd, quoting)).toMatchObject({ msgBody: { replyMsgDetails: { text: 'secret' } } });
    await ada.remove(`/api/users/ignore/${bob.id}`);
    expect(await look(ada, inThread)).toEqual(inThread);
  });

  it('hides what the blocked one reacts with, and counts it for everyone else', async () => {
    const room = await create(ada, 'Group', bob, cyd);
    const [first, second] = [await say(ada, room, 'one'), await say(cyd, room, 'two')];
    for (const [by, to, emoji] of [
      ...([
        [bob, first, '👍'],
        [cyd, first, '👍'],
        [bob, first, '❤️'],
        [cyd, first, '🎉'],
        [bob, second, '👍'],
      ] as const),
    ])
      expect(seen(await react(by, to, emoji))).toEqual(ok);
    const all = await timeline(cyd, room);
    await ada.post(`/api/users/ignore/${bob.id}`);
    const left = [
      { emoji: '👍', count: 1, userIds: [cyd.id] },
      { emoji: '🎉', count: 1, userIds: [cyd.id] },
    ];
    expect(await timeline(ada, room)).toEqual([second, { ...first, reactions: left }]);
    expect((await look(ada, first)).reactions).toEqual(left);
    expect((await edit(ada, first, { text: 'One' })).json<Message>().reactions).toEqual(left);
    expect((await ada.get(`${path(room, first.messageId)}/reactions`)).json()).toEqual(
      left.map(({ emoji, userIds }) => ({ emoji, userIds })),
    );
    const found = async (): Promise<readonly Message['reactions'][]> =>
      (await ada.get(`/api/messages/search?q=One&roomId=${room}`))
        .json<{ readonly content: readonly { readonly message: Message }[] }>()
        .content.map(({ message }) => message.reactions);
    await expect.poll(found, { timeout: 10_000 }).toEqual([left]); // search follows in its own time
    expect((await look(cyd, first)).reactions).toEqual(all[1]?.reactions);
    await ada.remove(`/api/users/ignore/${bob.id}`);
    expect((await look(ada, first)).reactions).toEqual(all[1]?.reactions);
  });

  it('lets nothing pass in a private room', async () => {
    const room = await create(ada, 'Single', bob);
    const sent = await say(bob, room);
    await react(bob, sent, '👍');
    await ada.post(`/api/users/ignore/${bob.id}`);
    for (const answer of [edit(bob, sent, { text: 'x' }), react(bob, sent, '❤️'), pin(bob, sent), send(bob, room, 'x')])
      expect(problem(await answer)).toEqual(forbidden);
    for (const answer of [edit(ada, sent, { text: 'x' }), react(ada, sent, '❤️'), pin(ada, sent), ada.get(path(room, sent.messageId))])
      expect(problem(await answer)).toEqual(forbidden);
    expect(seen(await unreact(bob, sent, '👍'))).toEqual(ok);
    expect(seen(await remove(bob, sent))).toEqual(ok);
    await ada.remove(`/api/users/ignore/${bob.id}`);
  });

  it('or leaving: who came back to a private room sees and touches what came after', async () => {
    const room = await create(ada, 'Single', bob);
    const before = await say(bob, room, 'before');
    await ada.post(`/api/rooms/${room}/leave`);
    await create(ada, 'Single', bob);
    const after = await say(bob, room, 'after');
    for (const answer of [
      react(ada, before, '👍'),
      pin(ada, before),
      ada.get(path(room, before.messageId)),
      send(ada, room, 'x', { threadId: before.messageId }),
    ])
      expect(problem(await answer)).toEqual(missing);
    expect(seen(await react(ada, after, '👍'))).toEqual(ok);
    await pin(bob, before);
    expect(await pins(ada, room)).toEqual([]);
  });
});

describe('races', () => {
  it('between nodes leave one story: edits against a deletion, the same reaction at once', async () => {
    const room = await create(ada, 'Group', bob);
    for (let round = 0; round < 5; round += 1) {
      const sent = await say(ada, room);
      const [edited, deleted] = await Promise.all([edit(chat.asElsewhere.ada, sent, { text: 'better' }), remove(ada, sent)]);
      expect(deleted.status).toBe(200);
      expect([200, 404]).toContain(edited.status);
      expect(await look(bob, sent)).toEqual({ ...sent, msgBody: { text: '' }, deleted: true });
    }
    const sent = await say(ada, room);
    const answers = await Promise.all([react(bob, sent, '👍'), react(chat.asElsewhere.bob, sent, '👍'), react(bob, sent, '👍')]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    const events = await chat.platform.events.readStream(streamId('reaction', `${room}.${sent.messageId}.${bob.id}`));
    expect(events.map(({ type }) => type)).toEqual(['ReactionAdded']);
  });
});
