/** A town's history, written through the doors that everyone uses: HTTP and SMTP. Seeded, so that a failure comes again. */
import type { ChatRoom, Message } from '@tidings/contracts/http/chat-objects';
import type { Media } from '@tidings/contracts/http/media';
import type { Me } from '@tidings/contracts/http/mail-objects';
import { vi } from 'vitest';
import type { Program } from '../kit/program.ts';
import { converseByMail } from './history-gateway.ts';
import { exchangeMail, openShared } from './history-mail.ts';
import { eraseOne, serviceAct } from './history-service.ts';
import { act, type Kept, picture, type Said, say, together, upload, type Writing } from './history-writing.ts';
import { askJson, type Asked, Dice, isCaughtUp, type Person, type Town } from './town.ts';

export interface History {
  readonly rooms: readonly { readonly id: string; readonly members: readonly Person[] }[];
  readonly messages: readonly Said[];
  /** Addresses of uploaded files. */
  readonly files: readonly string[];
  /** Each with someone who sees it. */
  readonly mailboxes: readonly Kept[];
  readonly threads: readonly Kept[];
  readonly emails: readonly Kept[];
  readonly imports: readonly Kept[];
  /** At the end of it all. */
  readonly erased: Person;
  /** The very last event: a message that everyone sees. */
  readonly last: Message;
}

/** So many people do something at once, as they would. */
const AT_ONCE = 6;

export const writeHistory = async (program: Program, town: Town, seed: number, acts: number): Promise<History> => {
  const writing: Writing = { program, town, dice: new Dice(seed), count: 0, rooms: [], messages: [], files: [] };
  for (const person of town.people) await askJson<Me>(program, person, '/api/me');
  const square = await openRoom(writing, town.admin, town.people, 'Market square');
  const shared = await openShared(writing);
  for (let n = 0; n < acts; n += AT_ONCE) await together(writing, Array(Math.min(AT_ONCE, acts - n)).fill(chatAct));
  const mail = await exchangeMail(writing, shared);
  await converseByMail(writing);
  await caughtUp(program);
  const erased = await eraseOne(program, town);
  const crier = town.people.at(-1) ?? town.admin; // in no quarrel with anybody
  const last = (await act(writing, crier, '/api/send-msg', {
    body: { chatRoomId: square, msgType: 'Text', msgBody: { text: 'That was all.' } },
  })) as Message;
  return { rooms: writing.rooms, messages: writing.messages, files: writing.files, ...mail, erased, last };
};

const caughtUp = (program: Program): Promise<void> =>
  vi.waitFor(
    async () => {
      if (!(await isCaughtUp(program))) throw new Error('mail is still being filed');
    },
    { timeout: 60_000, interval: 100 },
  );

const openRoom = async (writing: Writing, by: Person, members: readonly Person[], roomName: string | null): Promise<string> => {
  const invitedUsers = members.map(({ id }) => id);
  const firstMessage = writing.dice.below(3) === 0 ? { text: `Welcome, ${writing.count}` } : null;
  const body = { roomType: roomName === null ? 'Single' : 'Group', invitedUsers, firstMessage, ...(roomName === null ? {} : { roomName }) };
  const room = (await act(writing, by, '/api/rooms/create-room', { body })) as ChatRoom | null;
  if (room !== null && !writing.rooms.some(({ id }) => id === room.id)) writing.rooms.push({ id: room.id, members });
  return room?.id ?? '';
};

/** Everything that people do to each other, the usual more often than the rare. */
const chatAct = async (writing: Writing): Promise<void> => {
  const { dice, town, rooms, messages } = writing;
  const [by, other] = dice.some(2, town.people.slice(0, 25)) as [Person, Person]; // few enough that they meet again
  const room = dice.one(rooms);
  const member = dice.one(room.members);
  const path = `/api/rooms/${room.id}`;
  const send = (msgBody: object): Promise<void> => say(writing, member, { chatRoomId: room.id, msgBody });
  const chance = dice.below(140);
  if (chance < 6) await openRoom(writing, by, [by, other], null);
  else if (chance < 11)
    await openRoom(
      writing,
      by,
      [
        by,
        ...dice.some(
          2 + dice.below(6),
          town.people.filter((one) => one !== by),
        ),
      ],
      `Room ${writing.count}`,
    );
  else if (chance < 45)
    await send({ text: `${'so '.repeat(dice.below(30))}it goes, ${writing.count} ${dice.one(['', '😀', 'ä\u0308', '<b>'])}` });
  else if (chance < 48) await send({ mediaUrl: await fileToShow(writing, member), mediaType: 'IMAGE', altText: null });
  else if (chance < 56) {
    const answered = messages.filter((one) => one.room === room.id);
    if (answered.length > 0) await send({ replyMsgId: dice.one(answered).id, replyText: `about that: ${writing.count}` });
  } else if (chance < 66) {
    const seen = messages.filter((one) => one.room === room.id);
    const body = seen.length > 0 ? { upTo: dice.one(seen).id } : null;
    if (body !== null && dice.below(3) === 0) await act(writing, member, `${path}/mark-delivered`, { body });
    else await act(writing, member, `${path}/mark-read`, body !== null && dice.below(2) === 0 ? { body } : {});
  } else if (chance < 71) {
    if (room !== rooms[0]) await act(writing, member, `${path}/leave`); // the square is where all of them hear the end
  } else if (chance < 76) await act(writing, member, `${path}/invite/${by.id}`);
  else if (chance < 86) await act(writing, by, `/api/users/friends/add/${other.id}`);
  else if (chance < 90) await act(writing, by, `/api/users/friends/accept-request/${other.id}`);
  else if (chance < 92) await act(writing, by, `/api/users/friends/reject-request/${other.id}`, { method: 'DELETE' });
  else if (chance < 94) await act(writing, by, `/api/users/friends/${other.id}`, { method: 'DELETE' });
  else if (chance < 97) await act(writing, by, `/api/users/ignore/${other.id}`);
  else if (chance < 100) await act(writing, by, `/api/users/ignore/${other.id}`, { method: 'DELETE' });
  else if (chance < 108) await rankAct(writing, room, member);
  else if (chance < 111) await tellAct(writing, by);
  else if (chance < 135) await messageAct(writing, room, member);
  else {
    const service = { ...writing, act: (person: Person, where: string, asked: Asked) => act(writing, person, where, asked) };
    const said = await serviceAct(service, room.id, by);
    if (said !== null) messages.push({ room: room.id, id: said.messageId, createdAt: said.createdAt, by: town.admin });
  }
};

/** What becomes of messages: mostly by who may. */
const messageAct = async (writing: Writing, room: Writing['rooms'][number], member: Person): Promise<void> => {
  const { dice, messages, count } = writing;
  const seen = messages.filter((one) => one.room === room.id);
  if (seen.length === 0) return;
  const { id, by: author } = dice.one(seen);
  const path = `/api/rooms/${room.id}/messages/${id}`;
  const named = (): readonly string[] => dice.some(dice.below(3), room.members).map((one) => one.id);
  const chance = dice.below(24);
  if (chance < 5) {
    const body = { text: `better: ${count}`, ...(dice.below(2) === 0 ? {} : { mentions: named() }) };
    await act(writing, dice.below(8) === 0 ? member : author, path, { method: 'PATCH', body });
  } else if (chance < 7) await act(writing, dice.below(2) === 0 ? author : (room.members[0] ?? author), path, { method: 'DELETE' });
  else if (chance < 15) {
    const emoji = encodeURIComponent(dice.one(['👍', '❤️', ':so_it_goes:']));
    await act(writing, member, `${path}/reactions/${emoji}`, { method: dice.below(4) === 0 ? 'DELETE' : 'PUT' });
  } else if (chance < 18) await act(writing, member, `${path}/pin`, { method: dice.below(4) === 0 ? 'DELETE' : 'PUT' });
  else await say(writing, member, { chatRoomId: room.id, msgBody: { text: `in short: ${count}` }, ...{ threadId: id, mentions: named() } });
};

/** One of their own, one they saw or heard of, or one from elsewhere. */
const fileToShow = async (writing: Writing, person: Person): Promise<string> => {
  const { dice, files, count } = writing;
  const chance = dice.below(4);
  if (chance === 0) return `https://files.example/${count}`;
  if (chance === 1 && files.length > 0) return dice.one(files);
  const media = (await upload(writing, person, '/api/media', 'file', dice.one([`Note ${count}`, picture(count)]))) as Media | null;
  if (media !== null) files.push(media.mediaUrl);
  return media?.mediaUrl ?? 'https://files.example/refused';
};

/** What ranks are for, mostly by who founded the group. The square keeps everyone, for they hear the end there. */
const rankAct = async (writing: Writing, room: Writing['rooms'][number], member: Person): Promise<void> => {
  const { dice, rooms, messages } = writing;
  const path = `/api/rooms/${room.id}`;
  const founder = room.members[0] ?? member;
  const ranked = dice.below(4) === 0 ? member : founder;
  const other = dice.one(room.members);
  const chance = dice.below(10);
  if (chance < 2) await act(writing, ranked, path, { method: 'PATCH', body: { roomName: dice.one([null, `Room of ${ranked.name}`]) } });
  else if (chance < 4) {
    const role = dice.one(['owner', 'admin', 'member']);
    await act(writing, ranked, `${path}/users/${other.id}/role`, { method: 'PUT', body: { role } });
  } else if (chance < 6) {
    if (room !== rooms[0]) await act(writing, ranked, `${path}/users/${other.id}`, { method: 'DELETE' });
  } else if (chance < 8) await upload(writing, member, `${path}/upload-img`, 'image', picture(writing.count));
  else {
    const seen = messages.filter((one) => one.room === room.id);
    if (seen.length > 0) await act(writing, member, `${path}/messages/${dice.one(seen).id}/report`, { body: { reason: 'So it goes' } });
  }
};

/** What is told beside the chat. Nobody is called: whoever registers here leaves again at once. */
const tellAct = async (writing: Writing, by: Person): Promise<void> => {
  const { dice, town, count } = writing;
  const chance = dice.below(4);
  if (chance < 2) {
    const message = dice.one([null, `Invoice ${count}`, { kind: 'invoice', due: [count] }]);
    await act(writing, town.admin, '/api/notify', { body: { type: 'SystemMessage', toUser: by.id, message } });
  } else if (chance < 3) {
    const body = { url: `https://hooks.example/${count}`, events: ['MailboxChanged'] };
    const hook = (await act(writing, town.admin, '/api/admin/webhooks', { body })) as { readonly id: string } | null;
    if (hook !== null) await act(writing, town.admin, `/api/admin/webhooks/${hook.id}`, { method: 'DELETE' });
  } else {
    const keys = { p256dh: Buffer.alloc(65, 4).toString('base64url'), auth: Buffer.alloc(16).toString('base64url') };
    const body = { endpoint: `https://push.example/${count}`, keys };
    const subscription = (await act(writing, by, '/api/push-subscriptions', { body })) as { readonly id: string } | null;
    if (subscription !== null) await act(writing, by, `/api/push-subscriptions/${subscription.id}`, { method: 'DELETE' });
  }
};
