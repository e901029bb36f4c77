/** A town's history, written through the doors that everyone uses: HTTP and SMTP. Seeded, so that a failure comes again. */
import type { Email, Mailbox, Me, Thread } from '@tidings/contracts/http/mail-objects';
import type { ChatRoom, Message } from '@tidings/contracts/http/chat-objects';
import type { Media } from '@tidings/contracts/http/media';
import { vi } from 'vitest';
import type { Program } from '../kit/program.ts';
import { eraseOne, serviceAct } from './history-service.ts';
import { ownMail, sendAll, type Sample } from './mail-in-sender.ts';
import { ask, askJson, type Asked, Dice, isCaughtUp, type Person, type Town } from './town.ts';

export interface History {
  readonly rooms: readonly { readonly id: string; readonly members: readonly Person[] }[];
  readonly messages: readonly Said[];
  /** Addresses of uploaded files. */
  readonly files: readonly string[];
  /** Each with someone who sees it. */
  readonly mailboxes: readonly Kept[];
  readonly threads: readonly Kept[];
  readonly emails: readonly Kept[];
  /** At the end of it all. */
  readonly erased: Person;
  /** The very last event: a message that everyone sees. */
  readonly last: Message;
}

export interface Said {
  readonly room: string;
  readonly id: string;
  readonly createdAt: string;
  readonly by: Person;
}

export interface Kept {
  readonly id: string;
  readonly reader: Person;
}

interface Writing {
  readonly program: Program;
  readonly town: Town;
  readonly dice: Dice;
  /** Numbers the requests: each has an Idempotency-Key, from which its ids derive. */
  count: number;
  readonly rooms: { readonly id: string; readonly members: readonly Person[] }[];
  readonly messages: Said[];
  readonly files: string[];
}

/** Chance may ask for what is refused (leaving twice, a blocked friend): that is history too, but it may never fail. */
const act = async (writing: Writing, person: Person, path: string, asked: Asked = {}): Promise<unknown> => {
  writing.count += 1;
  const headers = { 'idempotency-key': `act-${writing.count}` };
  const response = await ask(writing.program, person, path, { method: 'POST', ...asked, headers });
  const text = await response.text();
  if (response.status >= 500) throw new Error(`${path} answered ${response.status}: ${text}`);
  return response.status === 200 && text !== '' ? JSON.parse(text) : null;
};

export const writeHistory = async (program: Program, town: Town, seed: number, acts: number): Promise<History> => {
  const writing: Writing = { program, town, dice: new Dice(seed), count: 0, rooms: [], messages: [], files: [] };
  for (const person of town.people) await askJson<Me>(program, person, '/api/me');
  const square = await openRoom(writing, town.admin, town.people, 'Market square');
  const shared = await openShared(writing);
  for (let n = 0; n < acts; n += 1) await chatAct(writing);
  const mail = await exchangeMail(writing, shared);
  await vi.waitFor(
    async () => {
      if (!(await isCaughtUp(program))) throw new Error('mail is still being filed');
    },
    { timeout: 60_000, interval: 100 },
  );
  const erased = await eraseOne(program, town);
  const crier = town.people.at(-1) ?? town.admin; // in no quarrel with anybody
  const last = (await act(writing, crier, '/api/send-msg', {
    body: { chatRoomId: square, msgType: 'Text', msgBody: { text: 'That was all.' } },
  })) as Message;
  return { rooms: writing.rooms, messages: writing.messages, files: writing.files, ...mail, erased, last };
};

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

const say = async (writing: Writing, by: Person, body: { readonly chatRoomId: string; readonly msgBody: object }): Promise<void> => {
  const sent = (await act(writing, by, '/api/send-msg', { body })) as Message | null;
  if (sent !== null) writing.messages.push({ room: body.chatRoomId, id: sent.messageId, createdAt: sent.createdAt, by });
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

/** A GIF of one pixel, in a colour of its own. */
const picture = (number: number): Uint8Array =>
  Buffer.from(`47494638396101000100800000${number.toString(16).padStart(6, '0')}ffffff2c00000000010001000002024401003b`, 'hex');

/** As `act`, with a file. */
const upload = async (writing: Writing, person: Person, path: string, field: string, content: string | Uint8Array): Promise<unknown> => {
  writing.count += 1;
  const body = new FormData();
  body.append(field, new Blob([typeof content === 'string' ? content : new Uint8Array(content)]), `file ${writing.count}`);
  const headers = { authorization: `Bearer ${person.token}`, 'idempotency-key': `act-${writing.count}` };
  const response = await fetch(new URL(path, writing.program.httpUrl), { method: 'POST', headers, body });
  if (response.status >= 500) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
  return response.status === 200 ? response.json() : null;
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

const openShared = async (writing: Writing): Promise<readonly Mailbox[]> => {
  const { town, dice } = writing;
  const opened: Mailbox[] = [];
  for (const name of ['support', 'sales']) {
    const members = [
      { userId: town.admin.id, role: 'admin' },
      ...dice.some(4, town.people.slice(1)).map(({ id }, n) => ({ userId: id, role: ['viewer', 'editor', 'sender', 'viewer'][n] })),
    ];
    const body = { kind: 'shared', address: `${name}@tidings.test`, name, members };
    opened.push((await act(writing, town.admin, '/api/mailboxes', { body })) as Mailbox);
  }
  return opened;
};

const exchangeMail = async (writing: Writing, shared: readonly Mailbox[]): Promise<Pick<History, 'mailboxes' | 'threads' | 'emails'>> => {
  const { program, town, dice } = writing;
  const owners = town.people.slice(0, 6);
  const addresses = [...owners.map(({ email }) => email), ...shared.map(({ address }) => address)];
  const sent = await Promise.all([
    sendAll(program.smtpPort, shared[0]?.address ?? '', ownMail()),
    ...addresses.map((address, n) => sendAll(program.smtpPort, address, conversation(new Dice(n), address, n))),
  ]);
  const refused = sent.flat().filter(({ emailId }) => emailId === null);
  if (refused.length > 0) throw new Error(`mail was refused: ${refused.map(({ name, reply }) => `${name}: ${reply}`).join('; ')}`);
  await vi.waitFor(
    async () => {
      if (!(await isCaughtUp(program))) throw new Error('mail is still being filed');
    },
    { timeout: 60_000, interval: 100 },
  );

  const mailboxes: Kept[] = [];
  const threads: Kept[] = [];
  const emails: Kept[] = [];
  for (const owner of owners) {
    const me = await askJson<Me>(program, owner, '/api/me');
    for (const { id } of me.mailboxes) {
      if (mailboxes.some((known) => known.id === id)) continue;
      mailboxes.push({ id, reader: owner });
      const found = await askJson<{ content: readonly Thread[] }>(program, owner, `/api/mailboxes/${id}/threads?view=all&limit=100`);
      for (const thread of found.content) {
        threads.push({ id: thread.id, reader: owner });
        const { content } = await askJson<{ content: readonly Email[] }>(program, owner, `/api/threads/${thread.id}/messages?limit=100`);
        emails.push(...content.map((email) => ({ id: email.id, reader: owner })));
        await handleThread(writing, owner, id, thread.id, content);
      }
      await writeDrafts(writing, owner, id, found.content);
      const newcomer = dice.one(town.people);
      await act(writing, town.admin, `/api/mailboxes/${id}/members/${newcomer.id}`, { method: 'PUT', body: { role: 'viewer' } });
    }
  }
  const leaver = shared[1];
  if (leaver !== undefined)
    await act(writing, town.admin, `/api/mailboxes/${leaver.id}/members/${dice.one(town.people.slice(1)).id}`, { method: 'DELETE' });
  return { mailboxes, threads, emails };
};

/** New ones and answers, long and short, saved again, thrown away, waiting to be sent; and what the mailbox writes them with. */
const writeDrafts = async (writing: Writing, by: Person, mailboxId: string, threads: readonly Thread[]): Promise<void> => {
  const { program, dice } = writing;
  const path = `/api/mailboxes/${mailboxId}`;
  /** `none` where they may not write. */
  const begin = async (body: object): Promise<string> =>
    ((await act(writing, by, `${path}/drafts`, { body })) as { readonly id: string } | null)?.id ?? 'none';
  const to = [{ name: 'Zoë', email: 'zoe@elsewhere.test' }];
  const [thread] = threads;
  if (thread !== undefined) {
    const found = await askJson<{ content: readonly Email[] }>(program, by, `/api/threads/${thread.id}/messages?mailboxId=${mailboxId}`);
    const [email] = found.content;
    if (email !== undefined) await begin({ inReplyTo: { emailId: email.id, mode: dice.below(2) === 0 ? 'reply-all' : 'forward' } });
  }
  const long = await begin({ to, subject: 'Long', text: 'a story '.repeat(dice.below(4_000)) });
  await act(writing, by, `/api/drafts/${long}`, { method: 'PUT', body: { revision: 1, html: '<p>Another</p>' } });
  await act(writing, by, `/api/drafts/${await begin({ subject: 'Thrown away' })}`, { method: 'DELETE' });
  const waiting = await begin({ to, subject: 'Waits', text: 'x' });
  await act(writing, by, `/api/drafts/${waiting}/send`, { body: { sendAt: new Date(Date.now() + 3_600_000).toISOString() } });
  if (dice.below(2) === 0) await act(writing, by, `/api/drafts/${waiting}/send`, { method: 'DELETE' });
  for (const [kind, name] of [
    ['templates', 'Permit'],
    ['signatures', 'Formal'],
    ['signatures', 'Short'],
  ]) {
    const id = `${dice.below(9)}0000000-0000-4000-8000-000000000000`;
    await act(writing, by, `${path}/${kind}/${id}`, { method: 'PUT', body: { name, text: '{{name}}', isDefault: true } });
  }
  await act(writing, by, `${path}/autoreply`, { method: 'PUT', body: { isActive: false, text: 'Away', html: '<p>Away</p>' } });
  await act(writing, by, `${path}/receipts`, { method: 'PUT', body: { policy: 'never' } });
};

/** One in two threads is starred, put away, read in part, or several of these, some of it taken back. */
const handleThread = async (writing: Writing, by: Person, mailboxId: string, threadId: string, emails: readonly Email[]): Promise<void> => {
  const { dice } = writing;
  const flags = { starred: true, archived: true, spam: true, trashed: true };
  for (const name of dice.some(dice.below(3), Object.keys(flags)))
    await act(writing, by, '/api/threads/flags', { body: { mailboxId, threadIds: [threadId], set: { [name]: dice.below(4) > 0 } } });
  if (dice.below(2) === 0 && emails.length > 0) {
    const upTo = dice.below(4) === 0 ? null : dice.one(emails).id;
    await act(writing, by, `/api/threads/${threadId}/read`, { method: 'PUT', body: { mailboxId, upTo } });
  }
};

/** Letters and answers, some late, some twice, some to two of ours at once, with HTML, an image inside and an attachment. */
const conversation = (dice: Dice, address: string, nth: number): readonly Sample[] => {
  const samples: Sample[] = [];
  const ids: string[] = [];
  for (let n = 0; n < 10; n += 1) {
    const answer = ids.length > 0 && dice.below(2) === 0 ? dice.one(ids) : null;
    const id = `<${nth}.${n}@letters.example>`;
    const text = `Letter ${n} for ${address}.\r\n${'All is well. '.repeat(dice.below(40))}\r\n`;
    const head = [
      `From: "Writer ${dice.below(4)}" <writer${dice.below(4)}@letters.example>`,
      `To: ${address}`,
      `Date: Fri, ${10 + n} Jan 2025 10:00:00 +0100`,
      `Message-ID: ${id}`,
      `Subject: ${answer === null ? `Matter ${dice.below(5)} =?utf-8?q?=C3=BCber?= ${n}` : 'Re: whatever'}`,
      ...(answer === null ? [] : [`In-Reply-To: ${answer}`, `References: ${answer}`]),
    ];
    samples.push({ name: id, raw: Buffer.from([...head, ...bodyOf(dice.below(3), text)].join('\r\n')) });
    if (dice.below(6) === 0) samples.push(samples.at(-1) as Sample); // the same again, as a peer that missed our 250 sends it
    ids.push(id);
  }
  return samples;
};

const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const bodyOf = (kind: number, text: string): readonly string[] => {
  if (kind === 0) return ['', text];
  const html = `<p onclick="evil()">${text}<img src="cid:pixel"><script>evil()</script></p>`;
  return [
    'MIME-Version: 1.0',
    `Content-Type: multipart/${kind === 1 ? 'related' : 'mixed'}; boundary=b`,
    '',
    ...['--b', 'Content-Type: text/html; charset=utf-8', '', html],
    ...['--b', 'Content-Type: image/png; name="pixel.png"', 'Content-Transfer-Encoding: base64', 'Content-ID: <pixel>', '', PIXEL],
    '--b--',
    '',
  ];
};
