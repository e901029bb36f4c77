/** What becomes of a room on the live stream of the running program: as it happens and on resume, to members and to nobody else. */
import type { ChatRoom, Message } from '@tidings/contracts/http/chat-objects';
import { beforeAll, expect, it } from 'vitest';
import { Listening } from '../../services/sse/src/testing/listening.ts';
import type { ReachableProgram } from '../kit/program-holder.ts';
import { joinTown } from './shared-town.ts';
import { ask, askJson, type Person, type Town } from './town.ts';

let town: Town;
let program: ReachableProgram;
beforeAll(async () => {
  ({ program, ...town } = await joinTown('Tenant', 4));
  for (const one of town.people) await askJson(program, one, '/api/me');
});

const person = (n: number): Person => town.people[n] ?? town.admin;
const open = async (members: readonly Person[]): Promise<string> => {
  const body = { roomType: 'Group', roomName: 'Flat', invitedUsers: members.map(({ id }) => id) };
  return (await askJson<ChatRoom>(program, person(0), '/api/rooms/create-room', { body })).id;
};
const listen = (...people: readonly Person[]): Promise<readonly Listening[]> =>
  Promise.all(people.map(({ token }) => Listening.open(program.httpUrl, token)));
const told = (listening: Listening): readonly object[] => listening.heard.map(({ event: { createdAt: _at, ...event } }) => event);
const does = async (by: Person, method: string, path: string, body?: object): Promise<void> => {
  expect((await ask(program, by, path, { method, ...(body === undefined ? {} : { body }) })).status).toBe(200);
};

it('tells a room of its name, its picture, ranks, deliveries, and who was removed', async () => {
  const [ada, bob, cyd, stranger] = [person(0), person(1), person(2), person(3)];
  const roomId = await open([ada, bob, cyd]);
  const path = `/api/rooms/${roomId}`;
  const listeners = await listen(ada, bob, cyd, stranger);
  const [own, others, removed, strangers] = listeners as [Listening, Listening, Listening, Listening]; // one for each of the four
  await does(ada, 'PATCH', path, { roomName: 'Attic' });
  const body = new FormData();
  body.append('image', new Blob([Buffer.from('47494638396101000100800000102030ffffff2c00000000010001000002024401003b', 'hex')]), 'a.gif');
  const headers = { authorization: `Bearer ${bob.token}` };
  expect((await fetch(new URL(`${path}/upload-img`, program.httpUrl), { method: 'POST', headers, body })).status).toBe(200);
  await does(ada, 'PUT', `${path}/users/${bob.id}/role`, { role: 'admin' });
  const said = { body: { chatRoomId: roomId, msgBody: { text: 'rent' } } };
  const { messageId } = await askJson<Message>(program, ada, '/api/send-msg', said);
  await does(cyd, 'POST', `${path}/mark-delivered`, { upTo: messageId });
  await does(bob, 'DELETE', `${path}/users/${cyd.id}`);

  const { roomImageUrl } = await askJson<ChatRoom>(program, ada, path);
  const changes = [
    { type: 'RoomUpdated', roomId, roomName: 'Attic', roomImageUrl: null, by: ada.id },
    { type: 'RoomUpdated', roomId, roomName: 'Attic', roomImageUrl, by: bob.id },
    { type: 'MemberRoleChanged', roomId, userId: bob.id, role: 'admin', by: ada.id },
    expect.objectContaining({ type: 'ChatMessage' }),
    { type: 'UserDeliveredChat', userId: cyd.id, roomId, upToSeq: 1, upTo: messageId },
  ];
  for (const listening of [own, others]) {
    await listening.until(({ types }) => types.includes('RoomChangeEvent'));
    expect(told(listening)).toEqual([...changes, expect.objectContaining({ type: 'RoomChangeEvent' })]);
  }
  await removed.until(({ types }) => types.includes('LeaveRoom'));
  expect(told(removed)).toEqual([...changes, { type: 'LeaveRoom', roomId }]);
  const again = await Listening.open(program.httpUrl, bob.token, others.heard[0]?.id ?? '');
  await again.until(({ types }) => types.includes('RoomChangeEvent'));
  expect(again.heard).toEqual(others.heard.slice(1));
  expect(strangers.types).toEqual([]);
  for (const listening of [...listeners, again]) listening.close();
});

it('takes a mark of what it has just told, however far behind the timeline is', async () => {
  const [ada, bob] = [person(0), person(1)];
  const room = await open([ada, bob]);
  const [listening] = await listen(bob);
  if (listening === undefined) throw new Error('nobody listens');
  for (let n = 1; n <= 40; n += 1) {
    const sending = ask(program, ada, '/api/send-msg', { body: { chatRoomId: room, msgBody: { text: `message ${n}` } } });
    await listening.until(({ types }) => types.filter((type) => type === 'ChatMessage').length === n);
    const upTo = (listening.heard.at(-1)?.event['message'] as Message | undefined)?.messageId; // of the message waited for
    const kind = n % 2 === 0 ? 'mark-read' : 'mark-delivered';
    expect((await ask(program, bob, `/api/rooms/${room}/${kind}`, { body: { upTo } })).status).toBe(200);
    await listening.until(({ types }) => types.at(-1) === (n % 2 === 0 ? 'UserReadChat' : 'UserDeliveredChat'));
    expect((await sending).status).toBe(200);
  }
  listening.close();
});
