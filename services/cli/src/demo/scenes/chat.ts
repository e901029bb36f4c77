/** A private room, then a group: messages, room lists, timelines, read states. */
import type { ChatRoom, Message } from '@tidings/contracts/http/chat-objects';
import type { MessageId, RoomId } from '@tidings/contracts/ids';
import { previewLine, spoken } from '../event-line.ts';
import { surely } from '../failed.ts';
import { type Cast, type Listener, type Person, roomsOf } from '../people.ts';
import { count, table } from '../stage.ts';

export const privateRoom = async (cast: Cast): Promise<void> => {
  const { stage, alice, bob } = cast;
  stage.scene('They talk in a private room');
  const roomId = await roomOfTwo(cast);
  const asked = await say(cast, bob, roomId, { text: 'See you at eight?' });
  await say(cast, alice, roomId, { replyMsgId: asked.messageId, replyText: 'At eight. I bring the cake 🍰' });
  const last = await say(cast, bob, roomId, { text: 'Carol comes too.' });
  await showRooms(cast, alice);
  await showTimeline(cast, alice, roomId, 3);

  await read(cast, alice, roomId, last);
  await showReadStates(cast, bob, roomId);
  await showRooms(cast, alice);
};

export const group = async (cast: Cast): Promise<void> => {
  const { stage, alice, bob, carol } = cast;
  stage.scene('A group with Carol');
  stage.act('Alice opens “Market day” for the three of them.');
  const room = await alice.client.createRoom({
    body: { roomType: 'Group', roomName: 'Market day', invitedUsers: [alice.id, bob.id, carol.id] },
  });
  await toldOfRoom([alice, bob], room);

  await say(cast, carol, room.id, { text: 'I take the early shift.' });
  const last = await say(cast, alice, room.id, { text: 'Then I bring the coffee ☕' });
  await showRooms(cast, bob);

  await read(cast, bob, room.id, last);
  await showTimeline(cast, carol, room.id, 2);
  await showReadStates(cast, carol, room.id);
  for (const person of [alice, bob, carol]) await showRooms(cast, person);
};

const roomOfTwo = async ({ stage, alice, bob }: Cast): Promise<RoomId> => {
  const known = await bob.client.searchRoom({ query: { withUser: alice.id } });
  if (known !== null) {
    stage.act('Their room is there from before: two people have one private room.');
    return known;
  }
  stage.act('Bob opens the room.');
  const room = await bob.client.createRoom({ body: { roomType: 'Single', invitedUsers: [alice.id, bob.id] } });
  await toldOfRoom([alice, bob], room);
  return room.id;
};

const toldOfRoom = async (listeners: readonly Listener[], { id }: ChatRoom): Promise<void> => {
  await Promise.all(listeners.map(({ live }) => live.until('NewRoom', ({ room }) => room.id === id)));
};

type Body = { readonly text: string } | { readonly replyMsgId: MessageId; readonly replyText: string };

/** Sends, waits until both listeners have heard it, and sees that they heard what the sender was told. */
export const say = async (
  { stage, alice, bob }: Cast,
  by: Person,
  chatRoomId: RoomId,
  msgBody: Body,
  more: { readonly threadId?: MessageId } = {},
): Promise<Message> => {
  stage.act(`${by.name} ${actOf(msgBody, more.threadId)}.`);
  const message = await by.client.sendMessage({ body: { chatRoomId, msgBody, ...more } });
  for (const { live, name } of [alice, bob]) {
    const { event } = await live.until('ChatMessage', (one) => one.message.messageId === message.messageId);
    surely(
      JSON.stringify(event.message) === JSON.stringify(message),
      `${name}'s live stream tells the message otherwise than the answer to ${by.name}`,
    );
  }
  return message;
};

const actOf = (body: Body, threadId: MessageId | undefined): string => {
  if (threadId !== undefined) return 'answers in its thread';
  return 'text' in body ? 'writes' : 'answers';
};

const read = async ({ stage, alice, bob }: Cast, by: Person, roomId: RoomId, upTo: Message): Promise<void> => {
  stage.act(`${by.name} reads.`);
  await by.client.markRead({ params: { roomId } });
  for (const { live } of [alice, bob])
    await live.until('UserReadChat', (one) => one.roomId === roomId && one.userId === by.id && one.upToSeq === upTo.seq);
};

const showRooms = async ({ stage }: Cast, person: Person): Promise<void> => {
  const rooms = await roomsOf(person);
  stage.view(
    `${person.name}'s rooms`,
    table(
      rooms.map(({ roomName, unreadCount, latestMessagePreviewText }) => [
        roomName ?? '',
        unreadCount === 0 ? 'read' : `${unreadCount} unread`,
        previewLine(latestMessagePreviewText),
      ]),
    ),
  );
};

/** The newest ones, the oldest of them first, as people read. */
const showTimeline = async ({ stage, nameOf }: Cast, person: Person, roomId: RoomId, limit: number): Promise<void> => {
  const messages = await person.client.getTimeline({ params: { roomId }, query: { limit } });
  surely(messages.length === limit, `the timeline shows ${count(messages.length, 'message')}, not ${limit}`);
  stage.view(
    `The timeline, as ${person.name} sees it`,
    table(messages.toReversed().map(({ seq, senderId, msgBody }) => [String(seq), nameOf(senderId), spoken(msgBody)])),
  );
};

const showReadStates = async ({ stage }: Cast, person: Person, roomId: RoomId): Promise<void> => {
  const members = await person.client.getReadStates({ params: { roomId } });
  stage.view(`Who has read everything, as ${person.name} sees it`, [members.map(({ displayName }) => displayName).join(', ')]);
};
