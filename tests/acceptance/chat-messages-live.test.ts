/** Changes to messages on the live stream of the running program: as they happen and on resume, to members and to nobody else. */
import type { ChatRoom, Message } from '@tidings/contracts/http/chat-objects';
import { beforeAll, expect, it } from 'vitest';
import { Listening } from '../../services/sse/src/testing/listening.ts';
import type { ReachableProgram } from '../kit/program-holder.ts';
import { joinTown } from './shared-town.ts';
import { ask, askJson, type Person, type Town } from './town.ts';

let town: Town;
let program: ReachableProgram;
let room: string;
beforeAll(async () => {
  ({ program, ...town } = await joinTown('Gossip', 3));
  for (const person of town.people) await askJson(program, person, '/api/me');
  const invitedUsers = [ada(), bob()].map(({ id }) => id);
  room = (await askJson<ChatRoom>(program, ada(), '/api/rooms/create-room', { body: { roomType: 'Group', invitedUsers } })).id;
});

const person = (n: number): Person => town.people[n] ?? town.admin;
const ada = (): Person => person(0);
const bob = (): Person => person(1);
const stranger = (): Person => person(2);

const send = async (by: Person, text: string, more: object = {}): Promise<string> => {
  const response = await ask(program, by, '/api/send-msg', { body: { chatRoomId: room, msgBody: { text }, ...more } });
  expect(response.status).toBe(200);
  return response.text();
};
const told = (listening: Listening): readonly unknown[] => listening.heard.map(({ event: { createdAt: _at, ...event } }) => event);

it('tells what becomes of a message to the members of its room, once and in order, also to who comes back', async () => {
  const listeners = await Promise.all([ada(), bob(), stranger()].map(({ token }) => Listening.open(program.httpUrl, token)));
  const [own, others, strangers] = listeners as [Listening, Listening, Listening]; // one for each of the three
  const root = JSON.parse(await send(ada(), 'topic')) as Message;
  const sent = await send(bob(), 'reply', { threadId: root.messageId, mentions: [ada().id] });
  const { messageId } = JSON.parse(sent) as Message;
  const path = `/api/rooms/${room}/messages/${messageId}`;
  const edited = await askJson<Message>(program, bob(), path, { method: 'PATCH', body: { text: 'better' } });
  for (const [by, method, rest] of [
    [ada(), 'PUT', `/reactions/${encodeURIComponent('👍')}`],
    [ada(), 'DELETE', `/reactions/${encodeURIComponent('👍')}`],
    [ada(), 'PUT', '/pin'],
    [bob(), 'DELETE', ''],
  ] as const)
    expect((await ask(program, by, `${path}${rest}`, { method })).status).toBe(200);

  const of = { roomId: room, messageId };
  const changes = [
    {
      type: 'MessageEdited',
      ...{ ...of, senderId: bob().id, msgBody: { text: 'better' }, mentions: [ada().id], editedAt: edited.editedAt },
    },
    { type: 'ReactionChanged', ...of, userId: ada().id, emoji: '👍', added: true },
    { type: 'ReactionChanged', ...of, userId: ada().id, emoji: '👍', added: false },
    { type: 'MessagePinned', ...of, by: ada().id },
    { type: 'MessageDeleted', ...of, deletedBy: bob().id },
    { type: 'MessageUnpinned', ...of, by: bob().id },
  ];
  for (const listening of [own, others]) {
    await listening.until(({ types }) => types.includes('MessageUnpinned'));
    const [, second, ...rest] = told(listening);
    expect(JSON.stringify((second as { readonly message: Message }).message)).toBe(sent);
    expect(rest).toEqual(changes);
  }
  const again = await Listening.open(program.httpUrl, ada().token, own.heard[0]?.id ?? '');
  await again.until(({ types }) => types.includes('MessageUnpinned'));
  expect(again.heard.map(({ id }) => id)).toEqual(own.heard.slice(1).map(({ id }) => id));
  expect(again.heard.slice(2)).toEqual(own.heard.slice(3));
  expect(JSON.stringify(again.heard), 'deleted since: nothing of what it said').not.toMatch(/reply|better/);
  expect(told(again).slice(0, 2)).toMatchObject([
    { type: 'ChatMessage', message: { messageId, seq: 2, msgBody: { text: '' }, deleted: true }, roomPreviewText: { text: '' } },
    { type: 'MessageEdited', ...of, msgBody: { text: '' }, mentions: [] },
  ]);
  await send(ada(), 'so it goes');
  await own.until(({ types }) => types.filter((type) => type === 'ChatMessage').length === 3);
  expect(strangers.types).toEqual([]);
  for (const listening of [...listeners, again]) listening.close();
});
