/** Chat-contract §1.2: every object, field for field, snake_case where ISM has it. What we add stands beside and is not looked at here. */
import type { ChatRoom, Message, Page, RoomDetailed, RoomMember, UserWithRelationship } from '@tidings/contracts/http/chat-objects';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Client, createRoom, INSTANT, type Ism, ok, say, send, joinIsm, UUID } from './ism.ts';

let ism: Ism<'Ada' | 'Bob' | 'Cyd'>;
let [ada, bob, cyd] = [] as unknown as readonly [Client, Client, Client]; // set before any test
beforeAll(async () => {
  ism = await joinIsm('objects', 'Ada', 'Bob', 'Cyd');
  [ada, bob, cyd] = [ism.as.Ada, ism.as.Bob, ism.as.Cyd];
});
afterAll(() => ism.close());

const user = (of: Client): object => ({
  ...{ id: of.id, displayName: of.name, streetCredits: 0, profilePicture: null, description: null, friendsCount: 0, role: 'USER' },
});
const member = (of: Client, more: object = {}): object => ({
  ...{ id: of.id, displayName: of.name, profilePicture: null, joinedAt: INSTANT, lastMessageReadAt: null, membershipStatus: 'Joined' },
  ...more,
});
const room = (more: object): object => ({
  ...{ id: UUID, roomImageUrl: null, roomName: null, createdAt: INSTANT, latestMessage: INSTANT, unread: true },
  ...{ latestMessagePreviewText: { type: 'New' } },
  ...more,
});
const message = (by: Client, of: ChatRoom, msgType: string, msgBody: object): object => ({
  ...{ chatRoomId: of.id, messageId: UUID, senderId: by.id, msgBody, msgType, createdAt: INSTANT },
});
/** That the object has these fields with these values; a field that is missing is a fault even where undefined would do. */
const expectFields = (given: unknown, fields: object): void => {
  expect(given).toMatchObject(fields);
  expect(Object.keys(given as object)).toEqual(expect.arrayContaining(Object.keys(fields)));
};
const previewIn = async (by: Client, of: ChatRoom) => ok<ChatRoom>(await by.get(`/api/rooms/${of.id}`)).latestMessagePreviewText;
const timelineOf = async (by: Client, of: ChatRoom) => ok<readonly Message[]>(await by.get(`/api/rooms/${of.id}/timeline`));

describe('people', () => {
  it('are users, and users with how one stands to them', async () => {
    const found = ok<UserWithRelationship>(await ada.get(`/api/users/${bob.id}`));
    expectFields(found, { user: user(bob), relationshipType: null });
    expectFields(found.user, user(bob));
    const odoacer = await ism.meet('Odoacer'); // there are other Bobs about
    const page = ok<Page<UserWithRelationship>>(await ada.get('/api/users/search?username=odoacer'));
    expectFields(page, { content: [{ user: user(odoacer), relationshipType: null }], nextCursor: null, cursor: null });
  });
});

describe('rooms', () => {
  it('are single or groups', async () => {
    const single = await createRoom(ada, 'Single', [cyd]);
    expectFields(single, room({ roomType: 'Single', roomName: cyd.name }));
    const group = await createRoom(ada, 'Group', [bob, cyd], 'Crew');
    expectFields(group, room({ roomType: 'Group', roomName: 'Crew' }));
    const listed = ok<readonly ChatRoom[]>(await ada.get('/api/rooms'));
    expect(listed, 'the latest first').toEqual([group, single]);
  });

  it('in detail carry their people', async () => {
    const group = await createRoom(ada, 'Group', [bob], 'Detail');
    const first = await say(ada, group.id, 'read by who wrote it');
    const detailed = ok<RoomDetailed>(await bob.get(`/api/rooms/${group.id}/detailed`));
    const preview = { type: 'Text', sender_username: ada.name, text: 'read by who wrote it' };
    expectFields(
      detailed,
      room({ roomType: 'Group', roomName: 'Detail', latestMessage: first.createdAt, latestMessagePreviewText: preview }),
    );
    const users = [member(ada, { lastMessageReadAt: INSTANT }), member(bob)];
    for (const given of [detailed.users, ok<readonly RoomMember[]>(await bob.get(`/api/rooms/${group.id}/users`))]) {
      expect(given).toHaveLength(2);
      for (const [n, fields] of users.entries())
        expectFields(given.toSorted((a, b) => (a.displayName < b.displayName ? -1 : 1))[n], fields);
    }
  });
});

describe('messages and previews', () => {
  it('of text', async () => {
    const group = await createRoom(ada, 'Group', [bob]);
    expectFields(await say(ada, group.id, 'hello'), message(ada, group, 'Text', { text: 'hello' }));
    expect(await previewIn(bob, group)).toEqual({ type: 'Text', sender_username: ada.name, text: 'hello' });
    for (const [text, shown] of [
      ['😀'.repeat(50), '😀'.repeat(50)],
      ['😀'.repeat(51), `${'😀'.repeat(40)}...`],
    ] as const) {
      await say(ada, group.id, text);
      expect(await previewIn(bob, group)).toEqual({ type: 'Text', sender_username: ada.name, text: shown });
    }
  });

  it('of media', async () => {
    const group = await createRoom(ada, 'Group', [bob]);
    const plain = ok<Message>(await send(ada, group.id, { mediaUrl: 'files/1', mediaType: 'IMAGE' }));
    expectFields(plain, message(ada, group, 'Media', { mediaUrl: 'files/1', mediaType: 'IMAGE', mimeType: null, altText: null }));
    const full = { mediaUrl: 'files/2', mediaType: 'VIDEO', mimeType: 'video/mp4', altText: 'a goose' };
    expectFields(ok(await send(ada, group.id, full)), message(ada, group, 'Media', full));
    expect(await previewIn(bob, group)).toEqual({ type: 'Media', sender_username: ada.name, media_type: 'VIDEO' });
  });

  it('of replies, with one level of quote', async () => {
    const group = await createRoom(ada, 'Group', [bob]);
    const media = { mediaUrl: 'files/3', mediaType: 'IMAGE', mimeType: null, altText: null };
    const answered = [await say(ada, group.id, 'well?'), ok<Message>(await send(ada, group.id, media))];
    const reply = (to: Message, replyText: string) =>
      send(bob, group.id, { replyMsgId: to.messageId, replyText, replyCreatedAt: to.createdAt });
    answered.push(ok<Message>(await reply(answered[0] as Message, 'yes')));
    const details = [{ text: 'well?' }, media, { reply_text: 'yes' }];
    for (const [n, to] of answered.entries()) {
      const body = {
        ...{ replyMsgId: to.messageId, replySenderId: to.senderId, replyMsgType: to.msgType, replyCreatedAt: to.createdAt },
        ...{ replyMsgDetails: details[n], replyText: 'indeed' },
      };
      const given = ok<Message>(await reply(to, 'indeed'));
      expectFields(given, message(bob, group, 'Reply', body));
      expect(given.msgBody).toEqual(body);
    }
    expect(await previewIn(ada, group)).toEqual({ type: 'Reply', sender_username: bob.name, reply_text: 'indeed' });
    await reply(answered[0] as Message, 'é'.repeat(51));
    expect(await previewIn(ada, group)).toMatchObject({ type: 'Reply', reply_text: `${'é'.repeat(40)}...` });
  });

  it('of room changes', async () => {
    const group = await createRoom(ada, 'Group', [bob]);
    await ada.post(`/api/rooms/${group.id}/invite/${cyd.id}`);
    await cyd.post(`/api/rooms/${group.id}/leave`);
    const [left, joined] = await timelineOf(ada, group);
    expectFields(joined, message(cyd, group, 'RoomChange', { type: 'UserJoined', related_user: member(cyd) }));
    expectFields(left, message(cyd, group, 'RoomChange', { type: 'UserLeft', related_user: member(cyd, { membershipStatus: 'Left' }) }));
    expect(await previewIn(ada, group)).toEqual({ type: 'RoomChange', sender_username: cyd.name, room_change_type: 'LEAVE' });
  });

  it('are the same bytes in answer, timeline and live stream, time and place included', async () => {
    const group = await createRoom(ada, 'Group', [bob]);
    const ears = [await ada.listen(), await bob.listen()];
    const sent = [
      await send(ada, group.id, { text: 'é\u0301 \u2028 "\\/ <b>&amp; 😀\u0000\ud83d' }),
      await send(bob, group.id, { mediaUrl: 'files/4', mediaType: 'IMAGE', altText: 'ä' }),
    ];
    sent.push(await send(bob, group.id, { replyMsgId: sent[0]?.json<Message>().messageId, replyText: 'ja' }));
    const bytes = sent.map(({ text }) => text);
    await ada.post(`/api/rooms/${group.id}/invite/${cyd.id}`);
    const timeline = await bob.get(`/api/rooms/${group.id}/timeline`);
    const changed = JSON.stringify(timeline.json<readonly Message[]>()[0]);
    expect(timeline.text).toBe(`[${[...bytes, changed].toReversed().join(',')}]`);
    for (const ear of ears) {
      const events = (await ear.heard()).filter((event) => 'message' in event);
      expect(events.map((event) => JSON.stringify(event['message']))).toEqual([...bytes, changed]);
      ear.close();
    }
  });
});
