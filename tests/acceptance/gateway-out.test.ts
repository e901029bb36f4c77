/** Chat by mail on the way out: a real program, a real mail server as the far side, and members who have their mail here. */
import type { Message } from '@tidings/contracts/http/chat-objects';
import type { MailNotifications, RoomMailNotifications } from '@tidings/contracts/http/gateway-out';
import type { Media } from '@tidings/contracts/http/media';
import type { MailPage, Me, Thread } from '@tidings/contracts/http/mail-objects';
import { type ParsedMail, simpleParser } from 'mailparser';
import { createTransport } from 'nodemailer';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { freePort } from '../kit/ports.ts';
import { type Sink, startSink } from '../kit/smtp-sink.ts';
import { forbidden, invalid, type MailTown, openMailTown } from './mail-kit.ts';

const soon = { timeout: 30_000, interval: 30 };

const DIGEST_EVERY_SECONDS = 4;

type Name = 'alice' | 'bob' | 'carol' | 'dora' | 'erin';
let sink: Sink;
let town: MailTown<Name>;

beforeAll(async () => {
  sink = await startSink();
  const port = await freePort();
  town = await openMailTown(
    ['alice', 'bob', 'carol', 'dora', 'erin'],
    {
      SMTP_RELAY_URL: `smtp://127.0.0.1:${sink.port}`,
      EGRESS_RETRY_SCHEDULE: '1h',
      // So that links in mails lead here.
      ...{ HTTP_PORT: String(port), PUBLIC_URL: `http://localhost:${port}` },
      EMAIL_OUTBOUND_HOLD_SECONDS: '1',
      EMAIL_DIGEST_EVERY_SECONDS: String(DIGEST_EVERY_SECONDS),
      SMTP_FROM: 'chat@tidings.test',
      SMTP_FROM_NAME: 'Town chat',
      EMAIL_ATTACHMENT_MAX_BYTES: '1000',
      MAIL_AUTH: 'off',
    },
    { bob: 'bob@elsewhere.test', dora: 'dora@elsewhere.test', erin: 'erin@elsewhere.test' },
  );
});
afterAll(async () => {
  await town?.close();
  await sink?.close();
});

const roomOf = async (name: string, ...members: readonly Name[]): Promise<string> => {
  const { as } = town;
  const invitedUsers = ['alice' as const, ...members].map((member) => as[member].id);
  return (await as.alice.ask<{ id: string }>('POST', '/api/rooms/create-room', { roomType: 'Group', roomName: name, invitedUsers })).id;
};
const want = (name: Name, roomId: string, policy: string | null): Promise<RoomMailNotifications> =>
  town.as[name].ask('PUT', `/api/rooms/${roomId}/mail-notifications`, { policy });
const say = (name: Name, chatRoomId: string, text: string, more: object = {}): Promise<Message> =>
  town.as[name].ask('POST', '/api/send-msg', { chatRoomId, msgBody: { text, ...more } });
const shown = (name: Name, roomId: string, { messageId }: Message): Promise<Message> =>
  town.as[name].ask('GET', `/api/rooms/${roomId}/messages/${messageId}`);
const statusOf = async (roomId: string, message: Message, of: Name): Promise<string | undefined> =>
  (await shown('alice', roomId, message)).mails?.find(({ userId }) => userId === town.as[of].id)?.status;
const becomes = (roomId: string, message: Message, of: Name, status: string): Promise<void> =>
  vi.waitFor(async () => expect(await statusOf(roomId, message, of)).toBe(status), soon);

/** The mails to an address whose text begins so. */
const mailsTo = async (address: string, words: string): Promise<readonly ParsedMail[]> => {
  const parsed = await Promise.all(sink.mails.filter(({ to }) => to.includes(address)).map(({ data }) => simpleParser(data)));
  return parsed.filter(({ text }) => text?.startsWith(words));
};
const mailTo = (address: string, words: string): Promise<ParsedMail> =>
  vi.waitFor(async () => {
    const [mail] = await mailsTo(address, words);
    if (mail === undefined) throw new Error(`no mail to ${address} says "${words}"`);
    return mail;
  }, soon);
const headerOf = ({ headerLines }: ParsedMail, name: string): string => headerLines.find(({ key }) => key === name)?.line ?? '';
const unsubscribeLink = (mail: ParsedMail): string => /<(http:[^>]+)>/.exec(headerOf(mail, 'list-unsubscribe'))?.[1] ?? '';

describe('who wants mail', () => {
  it('says so for a room, and for all others', async () => {
    const { as } = town;
    const roomId = await roomOf('Wishes', 'erin');
    expect(await as.erin.ask<RoomMailNotifications>('GET', `/api/rooms/${roomId}/mail-notifications`)).toEqual({
      ...{ roomId, own: null, policy: 'never' },
    });
    expect(await want('erin', roomId, 'when-away')).toEqual({ roomId, own: 'when-away', policy: 'when-away' });
    const digestTimes = { timeZone: 'Europe/Paris', times: ['08:00', '17:30'] };
    expect(await as.erin.ask<MailNotifications>('PUT', '/api/mail-notifications', { standard: 'digest', digest: digestTimes })).toEqual({
      ...{ address: 'erin@elsewhere.test', standard: 'digest', digest: digestTimes, rooms: [{ roomId, policy: 'when-away' }] },
    });
    expect(await want('erin', roomId, null)).toEqual({ roomId, own: null, policy: 'digest' });
    await as.erin.ask('PUT', '/api/mail-notifications', { standard: null });
    expect(await as.erin.ask<MailNotifications>('GET', '/api/mail-notifications')).toMatchObject({ standard: null, rooms: [] });
  });

  it('is told what is wrong, and nothing changes', async () => {
    const { as } = town;
    const roomId = await roomOf('Not for Erin', 'bob');
    const path = `/api/rooms/${roomId}/mail-notifications`;
    expect(await as.erin.refused('PUT', path, { policy: 'at-once' })).toEqual(forbidden);
    expect(await as.erin.refused('GET', path)).toEqual(forbidden);
    expect(await as.bob.refused('PUT', path, { policy: 'sometimes' })).toEqual(invalid('policy'));
    const put = (digestTimes: object) => as.bob.refused('PUT', '/api/mail-notifications', { standard: 'never', digest: digestTimes });
    expect(await put({ timeZone: 'Middle/Earth', times: ['08:00'] })).toEqual(invalid('digest.timeZone'));
    expect(await put({ timeZone: 'UTC', times: [] })).toEqual(invalid('digest.times'));
    expect(await put({ timeZone: 'UTC', times: ['24:00'] })).toEqual(invalid('digest.times.0'));
    expect(await as.bob.ask<MailNotifications>('GET', '/api/mail-notifications')).toMatchObject({ standard: null, rooms: [] });
  });
});

describe('a message', () => {
  it('leaves as a mail of its author, that can be answered and left, and shows what becomes of it', async () => {
    const roomId = await roomOf('Market day', 'bob', 'carol');
    await want('bob', roomId, 'at-once');
    const listening = await town.listen('alice');
    const first = await say('alice', roomId, 'Shall we <meet>?');
    const mail = await mailTo('bob@elsewhere.test', 'Shall we <meet>?');
    expect(mail.from?.value).toEqual([{ name: 'alice', address: 'chat@tidings.test' }]);
    expect(mail.subject).toBe('Market day');
    expect(mail.replyTo?.value[0]?.address).toMatch(/^reply\+[a-z2-7]{56}@inbox\.tidings\.test$/);
    expect(mail.messageId).toMatch(/^<[0-9a-f-]{36}@inbox\.tidings\.test>$/);
    expect(mail.html).toContain('Shall we &lt;meet&gt;?');
    expect(headerOf(mail, 'dkim-signature')).toContain('d=tidings.test');

    await becomes(roomId, first, 'bob', 'delivered');
    const of = { roomId, messageId: first.messageId, userId: town.as.bob.id };
    await listening.until(({ heard }) => heard.some(({ event }) => event.type === 'MessageMailChanged' && event['status'] === 'delivered'));
    const told = listening.heard.filter(({ event }) => event.type === 'MessageMailChanged').map(({ event }) => event);
    expect(told).toMatchObject([
      { ...of, status: 'queued' },
      { ...of, status: 'delivered' },
    ]);
    listening.close();
    const { content } = await town.as.carol.ask<{ content: readonly object[] }>(
      'GET',
      `/api/rooms/${roomId}/messages/${first.messageId}/mails`,
    );
    expect(content).toMatchObject([{ userId: town.as.bob.id, status: 'delivered' }]);

    await say('carol', roomId, 'On Monday');
    const next = await mailTo('bob@elsewhere.test', 'On Monday');
    expect(next.subject).toBe('Re: Market day');
    expect(next.inReplyTo).toBe(mail.messageId);
    expect([next.references].flat()).toContain(mail.messageId);
    expect([next.references].flat()[0]).toBe([mail.references].flat()[0]);
    expect(next.replyTo?.value[0]?.address).toBe(mail.replyTo?.value[0]?.address);
    expect(next.text).toMatch(/alice wrote:\n> Shall we <meet>\?/);
    const others = sink.mails.flatMap(({ to }) => to).filter((to) => to !== 'bob@elsewhere.test' && to !== 'dora@elsewhere.test');
    expect(others).toEqual([]);
  });

  it('is not mailed to who wrote it', async () => {
    const roomId = await roomOf('Own words', 'bob');
    await want('bob', roomId, 'at-once');
    const own = await say('bob', roomId, 'I said so myself');
    await say('alice', roomId, 'And I answer');
    await mailTo('bob@elsewhere.test', 'And I answer');
    expect(await mailsTo('bob@elsewhere.test', 'I said so myself')).toEqual([]);
    expect((await shown('alice', roomId, own)).mails).toBe(undefined);
  });

  it('can be rewritten and taken back until it is sent', async () => {
    const roomId = await roomOf('Second thoughts', 'bob');
    await want('bob', roomId, 'at-once');
    const rewritten = await say('alice', roomId, 'Frist words');
    await town.as.alice.ask('PATCH', `/api/rooms/${roomId}/messages/${rewritten.messageId}`, { text: 'First words' });
    const taken = await say('alice', roomId, 'Never mind this');
    await town.as.alice.ask('DELETE', `/api/rooms/${roomId}/messages/${taken.messageId}`);
    await say('alice', roomId, 'Last words');
    await mailTo('bob@elsewhere.test', 'Last words');
    expect(await mailsTo('bob@elsewhere.test', 'First words')).toHaveLength(1);
    expect([...(await mailsTo('bob@elsewhere.test', 'Frist')), ...(await mailsTo('bob@elsewhere.test', 'Never mind'))]).toEqual([]);
  });

  it('goes to nobody who left, or who blocks its author', async () => {
    const { as } = town;
    const roomId = await roomOf('Fewer', 'bob', 'carol', 'erin');
    await want('bob', roomId, 'at-once');
    await want('erin', roomId, 'at-once');
    await as.erin.ask('POST', `/api/users/ignore/${as.carol.id}`);
    await say('carol', roomId, 'Carol speaks');
    await mailTo('bob@elsewhere.test', 'Carol speaks');
    // What waits as he leaves is not sent.
    const waiting = await say('alice', roomId, 'Bob is leaving');
    await as.bob.ask('POST', `/api/rooms/${roomId}/leave`);
    await say('alice', roomId, 'Bob is gone');
    await mailTo('erin@elsewhere.test', 'Bob is gone');
    // Planned and called off, or never planned, as he was gone when the gateway looked at it.
    await vi.waitFor(async () => expect([undefined, 'not-mailed']).toContain(await statusOf(roomId, waiting, 'bob')), soon);
    expect([...(await mailsTo('bob@elsewhere.test', 'Bob is')), ...(await mailsTo('erin@elsewhere.test', 'Carol'))]).toEqual([]);
    await as.erin.ask('DELETE', `/api/users/ignore/${as.carol.id}`);
  });

  it('is mailed to who is not looking, where that is what they want', async () => {
    const roomId = await roomOf('Away', 'bob');
    await want('bob', roomId, 'when-away');
    const listening = await town.listen('bob');
    const seen = await say('alice', roomId, 'While he looks');
    await becomes(roomId, seen, 'bob', 'not-mailed');
    listening.close();
    await vi.waitFor(async () => {
      const away = await say('alice', roomId, 'While he is away');
      await vi.waitFor(async () => expect(await statusOf(roomId, away, 'bob')).toMatch(/not-mailed|delivered/), soon);
      expect(await statusOf(roomId, away, 'bob')).toBe('delivered');
    }, soon);
    expect(await mailsTo('bob@elsewhere.test', 'While he looks')).toEqual([]);
  });

  it('that cannot be delivered says so', async () => {
    const roomId = await roomOf('No such Erin', 'erin');
    await want('erin', roomId, 'at-once');
    sink.play({ onRcpt: (to) => (to === 'erin@elsewhere.test' ? '550 5.1.1 no such user' : undefined) });
    const lost = await say('alice', roomId, 'Is anybody there?');
    await becomes(roomId, lost, 'erin', 'failed');
    // One that waits for its next try is called off as she leaves.
    sink.play({ onRcpt: (to) => (to === 'erin@elsewhere.test' ? '450 4.2.0 later' : undefined) });
    const late = await say('alice', roomId, 'Are you there?');
    await becomes(roomId, late, 'erin', 'deferred');
    await town.as.erin.ask('POST', `/api/rooms/${roomId}/leave`);
    await becomes(roomId, late, 'erin', 'cancelled');
    sink.play({});
    expect(await mailsTo('erin@elsewhere.test', 'Are you there?')).toEqual([]);
  });
});

describe('who takes part by mail alone', () => {
  it('is told without asking, and what they answer is told to the others, not to them', async () => {
    const { alice, bob } = town.as;
    const roomId = await roomOf('With Grace', 'bob');
    await want('bob', roomId, 'at-once');
    const grace = await alice.ask<{ userId: string }>('POST', `/api/rooms/${roomId}/email-participants`, {
      ...{ email: 'grace@elsewhere.test', name: 'Grace' },
    });
    const asked = await say('alice', roomId, 'Grace, will you come?');
    const mail = await mailTo('grace@elsewhere.test', 'Grace, will you come?');
    await vi.waitFor(
      async () => expect((await shown('alice', roomId, asked)).mails?.map(({ userId }) => userId)).toContain(grace.userId),
      soon,
    );
    const mappings = await alice.ask<readonly object[]>('GET', `/gateway/mappings?threadId=${roomId}`);
    expect(mappings).toContainEqual(
      expect.objectContaining({ emailMessageId: mail.messageId, senderEmail: 'grace@elsewhere.test', strategy: 'sent' }),
    );

    const transport = createTransport({ host: '127.0.0.1', port: town.program.smtpPort, tls: { rejectUnauthorized: false } });
    await transport.sendMail({
      ...{ from: 'Grace <grace@elsewhere.test>', to: mail.replyTo?.text, subject: `Re: ${mail.subject}`, text: 'Yes, gladly.' },
      ...{ messageId: '<yes@elsewhere.test>', inReplyTo: mail.messageId },
    });
    transport.close();
    // Nothing vouches for who wrote here, so a member says that it is her.
    const held = await vi.waitFor(async () => {
      const [first] = await alice.ask<readonly { mailId: string }[]>('GET', `/gateway/held?threadId=${roomId}`);
      if (first === undefined) throw new Error('nothing is held');
      return first;
    }, soon);
    await alice.ask('POST', `/gateway/held/${held.mailId}/confirm`);
    const told = await mailTo('bob@elsewhere.test', 'Yes, gladly.');
    expect(told.from?.value[0]?.name).toBe('Grace');
    await say('bob', roomId, 'Good to hear');
    const next = await mailTo('grace@elsewhere.test', 'Good to hear');
    expect(next.inReplyTo).toBe('<yes@elsewhere.test>');
    expect([next.references].flat()).toEqual(expect.arrayContaining([[mail.references].flat()[0], '<yes@elsewhere.test>']));
    expect(await mailsTo('grace@elsewhere.test', 'Yes, gladly.')).toEqual([]);
    await bob.ask('POST', `/api/rooms/${roomId}/leave`);
  });
});

describe('a file', () => {
  const upload = async (bytes: Buffer, name: string): Promise<Media> => {
    const form = new FormData();
    form.append('file', new Blob([new Uint8Array(bytes)], { type: 'application/pdf' }), name);
    const headers = { authorization: `Bearer ${town.as.alice.token}` };
    const response = await fetch(`${town.program.httpUrl}/api/media`, { method: 'POST', headers, body: form });
    expect(response.status).toBe(200);
    return (await response.json()) as Media; // the contract of the route
  };
  const show = (chatRoomId: string, { mediaUrl, mediaType, mimeType }: Media): Promise<Message> =>
    town.as.alice.ask('POST', '/api/send-msg', { chatRoomId, msgBody: { mediaUrl, mediaType, mimeType, altText: 'A plan' } });

  it('goes along while it is small; a large one has a link that works without login, until its message is gone', async () => {
    const roomId = await roomOf('Files', 'bob');
    await want('bob', roomId, 'at-once');
    const pdf = (size: number): Buffer => Buffer.concat([Buffer.from('%PDF-1.4\n'), Buffer.alloc(size, 0x20)]);
    await show(roomId, await upload(pdf(100), 'small.pdf'));
    const small = await mailTo('bob@elsewhere.test', '[small.pdf');
    expect(small.attachments.map(({ filename, content }) => [filename, content.equals(pdf(100))])).toEqual([['small.pdf', true]]);

    const message = await show(roomId, await upload(pdf(5_000), 'large.pdf'));
    const large = await mailTo('bob@elsewhere.test', '[large.pdf');
    expect(large.attachments).toEqual([]);
    const link = /http:\/\/\S*\/gateway\/files\/\S+/.exec(large.text ?? '')?.[0] ?? '';
    const fetched = await fetch(link);
    expect([fetched.status, fetched.headers.get('content-disposition')]).toEqual([200, expect.stringContaining('large.pdf')]);
    expect(Buffer.from(await fetched.arrayBuffer()).equals(pdf(5_000))).toBe(true);
    expect((await fetch(`${link.slice(0, -1)}${link.endsWith('A') ? 'B' : 'A'}`)).status).toBe(404);
    await town.as.alice.ask('DELETE', `/api/rooms/${roomId}/messages/${message.messageId}`);
    await vi.waitFor(async () => expect((await fetch(link)).status).toBe(404), soon);
  });
});

describe('one click', () => {
  it('ends the mails of that conversation, without login; looking at the page does not', async () => {
    const roomId = await roomOf('Too much', 'bob');
    const kept = await roomOf('Just right', 'bob');
    await want('bob', roomId, 'at-once');
    await want('bob', kept, 'at-once');
    await say('alice', roomId, 'The first of many');
    const link = unsubscribeLink(await mailTo('bob@elsewhere.test', 'The first of many'));

    const page = await fetch(link);
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    expect(await page.text()).toContain('<form method="post">');
    expect((await town.as.bob.ask<RoomMailNotifications>('GET', `/api/rooms/${roomId}/mail-notifications`)).policy).toBe('at-once');

    const wrong = `${link.slice(0, -1)}${link.endsWith('A') ? 'B' : 'A'}`;
    for (const method of ['GET', 'POST']) expect((await fetch(wrong, { method })).status).toBe(404);

    // Both kinds of forms that RFC 8058 §3.2 allows; once more changes nothing.
    for (const body of [new URLSearchParams({ 'List-Unsubscribe': 'One-Click' }), oneClickForm()]) {
      expect((await fetch(link, { method: 'POST', body })).status).toBe(200);
    }
    await vi.waitFor(
      async () =>
        expect((await town.as.bob.ask<RoomMailNotifications>('GET', `/api/rooms/${roomId}/mail-notifications`)).policy).toBe('never'),
      soon,
    );
    await say('alice', roomId, 'The second of many');
    await say('alice', kept, 'Still told here');
    await mailTo('bob@elsewhere.test', 'Still told here');
    expect(await mailsTo('bob@elsewhere.test', 'The second')).toEqual([]);
  });
  const oneClickForm = (): FormData => {
    const form = new FormData();
    form.append('List-Unsubscribe', 'One-Click');
    return form;
  };
});

describe('what is read', () => {
  const inboxOf = async (name: Name): Promise<string> => {
    const { mailboxes } = await town.as[name].ask<Me>('GET', '/api/me');
    return mailboxes.find(({ address }) => address === `${name}@tidings.test`)?.id ?? '';
  };
  const threads = async (name: Name, mailboxId: string, subject: string): Promise<readonly Thread[]> =>
    (await town.as[name].ask<MailPage<Thread>>('GET', `/api/mailboxes/${mailboxId}/threads?view=inbox`)).content.filter(
      (thread) => thread.subject === subject,
    );
  const thread = (name: Name, mailboxId: string, subject: string, check: (one: Thread) => boolean): Promise<Thread> =>
    vi.waitFor(async () => {
      const found = (await threads(name, mailboxId, subject)).find(check);
      if (found === undefined) throw new Error(`there is no such thread "${subject}"`);
      return found;
    }, soon);
  const unreadIn = async (name: Name, roomId: string): Promise<number> =>
    (await town.as[name].ask<{ unreadCount: number }>('GET', `/api/rooms/${roomId}`)).unreadCount;

  it('in the room is read in the mailbox, and the other way round', async () => {
    const [mailboxId, roomId] = [await inboxOf('carol'), await roomOf('Both sides', 'carol')];
    await want('carol', roomId, 'at-once');
    await say('alice', roomId, 'Read me in the room');
    await thread('carol', mailboxId, 'Both sides', ({ unread }) => unread);
    await town.as.carol.ask('POST', `/api/rooms/${roomId}/mark-read`);
    await thread('carol', mailboxId, 'Both sides', ({ unread }) => !unread);

    await say('alice', roomId, 'Read me by mail');
    const { id } = await thread('carol', mailboxId, 'Both sides', ({ unread, messageCount }) => unread && messageCount === 2);
    expect(await unreadIn('carol', roomId)).toBe(1);
    const { content } = await town.as.carol.ask<MailPage<{ id: string }>>('GET', `/api/threads/${id}/messages?mailboxId=${mailboxId}`);
    await town.as.carol.ask('PUT', `/api/threads/${id}/read`, { mailboxId, upTo: content.at(-1)?.id });
    await vi.waitFor(async () => expect(await unreadIn('carol', roomId)).toBe(0), soon);

    // Read before the mail was there.
    await say('alice', roomId, 'Read me at once');
    await town.as.carol.ask('POST', `/api/rooms/${roomId}/mark-read`);
    await thread('carol', mailboxId, 'Both sides', ({ unread, messageCount }) => !unread && messageCount === 3);
  });
});

describe('a digest', () => {
  const digestsWith = async (words: string): Promise<readonly ParsedMail[]> => {
    const parsed = await Promise.all(
      sink.mails.filter(({ to }) => to.includes('dora@elsewhere.test')).map(({ data }) => simpleParser(data)),
    );
    return parsed.filter(({ text }) => text?.includes(words));
  };
  const digestWith = (words: string): Promise<ParsedMail> =>
    vi.waitFor(async () => {
      const [mail] = await digestsWith(words);
      if (mail === undefined) throw new Error(`no digest says "${words}"`);
      return mail;
    }, soon);
  /** Well before the next digest, so that what is said now comes in one. */
  const early = (): Promise<void> =>
    vi.waitFor(() => expect(Date.now() % (DIGEST_EVERY_SECONDS * 1000)).toBeLessThan(DIGEST_EVERY_SECONDS * 500), soon);
  beforeAll(() =>
    town.as.dora.ask('PUT', '/api/mail-notifications', { standard: 'digest', digest: { timeZone: 'Europe/Paris', times: ['08:00'] } }),
  );

  it('tells all of a time in one mail', async () => {
    const [one, two] = [await roomOf('Digest one', 'dora'), await roomOf('Digest two', 'dora')];
    await early();
    const first = await say('alice', one, 'First of the digest');
    const second = await say('alice', one, 'Second of the digest');
    const other = await say('alice', two, 'Elsewhere in the digest');
    const mail = await digestWith('First of the digest');
    expect(mail.from?.value).toEqual([{ name: 'Town chat', address: 'chat@tidings.test' }]);
    expect(mail.subject).toBe('3 new messages in 2 conversations');
    for (const words of ['First of the digest', 'Second of the digest', 'Elsewhere in the digest']) expect(mail.text).toContain(words);
    await becomes(one, first, 'dora', 'delivered');
    await becomes(one, second, 'dora', 'delivered');
    await becomes(two, other, 'dora', 'delivered');
    expect(await digestsWith('of the digest')).toHaveLength(1);
  });

  it('goes without what is deleted, or whose room is left, while it waits to be sent again', async () => {
    const [roomId, left] = [await roomOf('Digest three', 'dora'), await roomOf('Digest four', 'dora')];
    let tries = 0;
    const notYet = (): string => {
      tries += 1;
      return '450 4.2.0 later';
    };
    sink.play({ onRcpt: (to) => (to === 'dora@elsewhere.test' ? notYet() : undefined) });
    await early();
    const kept = await say('alice', roomId, 'Kept in the digest');
    const deleted = await say('alice', roomId, 'Taken out again');
    const ofRoom = await say('alice', left, 'Of a room that is left');
    for (const [room, message] of [[roomId, kept] as const, [roomId, deleted] as const, [left, ofRoom] as const])
      await becomes(room, message, 'dora', 'deferred');
    const before = tries;
    await town.as.dora.ask('POST', `/api/rooms/${left}/leave`);
    await vi.waitFor(async () => expect(await statusOf(left, ofRoom, 'dora')).toBe('cancelled'), soon);
    // The rest was tried at once, so that nothing is under way as the server begins to take mail.
    await vi.waitFor(() => expect(tries).toBeGreaterThan(before), soon);
    await becomes(roomId, kept, 'dora', 'deferred');
    sink.play({});
    await town.as.alice.ask('DELETE', `/api/rooms/${roomId}/messages/${deleted.messageId}`);
    const mail = await digestWith('Kept in the digest');
    expect(mail.subject).toBe('A new message in Digest three');
    await becomes(roomId, kept, 'dora', 'delivered');
    for (const words of ['Taken out', 'a room that is left']) expect(await digestsWith(words)).toEqual([]);
    expect(await digestsWith('Kept in the digest')).toHaveLength(1);
  });
});
