/** Conversations by mail in a town's history: who takes part by mail, what they send through both doors, and what goes out to them. */
import type { HeldMail } from '@tidings/contracts/http/gateway';
import type { ChatRoom, Message } from '@tidings/contracts/http/chat-objects';
import type { ConversationId } from '@tidings/contracts/ids';
import { issueReplyToken, replyAddressOf, replyKeysOf } from '@tidings/domain/gateway/reply-token';
import { createHmac } from 'node:crypto';
import { vi } from 'vitest';
import { act, say, type Writing } from './history-writing.ts';
import { sendAll } from './mail-in-sender.ts';
import { askJson, isCaughtUp } from './town.ts';

const REPLY_SECRET = 'reply-secret';
const WEBHOOK_SECRET = 'webhook-secret';

/** What the program needs for it; its mail goes to a server of the tests. */
export const gatewaySettings = (mailServerPort: number): Readonly<Record<string, string>> => ({
  ...{ EMAIL_REPLY_SECRET: REPLY_SECRET, EMAIL_INBOUND_MODE: 'webhook', EMAIL_WEBHOOK_SECRET: WEBHOOK_SECRET },
  ...{ EMAIL_OUTBOUND_HOLD_SECONDS: '1', SMTP_RELAY_URL: `smtp://127.0.0.1:${mailServerPort}`, SMTP_FROM: 'chat@tidings.test' },
});

const FINAL = ['delivered', 'failed', 'cancelled', 'not-mailed'];

/** A group with members who want its messages by mail, one of whom is erased later, and with somebody who has nothing but mail. */
export const converseByMail = async (writing: Writing): Promise<void> => {
  const { program, town } = writing;
  const members = town.people.slice(9, 14);
  const [host = town.admin] = members;
  const body = { roomType: 'Group', roomName: 'By mail', invitedUsers: members.map(({ id }) => id), firstMessage: null };
  const { id } = await askJson<ChatRoom & { id: ConversationId }>(program, host, '/api/rooms/create-room', { body });
  writing.rooms.push({ id, members });
  for (const member of members.slice(1))
    await act(writing, member, `/api/rooms/${id}/mail-notifications`, { method: 'PUT', body: { policy: 'at-once' } });
  for (const name of ['grace', 'hugh'])
    await askJson(program, host, `/api/rooms/${id}/email-participants`, { body: { email: `${name}@letters.example`, name } });

  for (const member of members) await say(writing, member, { chatRoomId: id, msgBody: { text: `By mail and here, ${member.name}` } });
  await comeIn(writing, id);
  const held = await vi.waitFor(
    async () => {
      const waiting = await askJson<readonly HeldMail[]>(program, host, `/gateway/held?threadId=${id}`);
      const shown = JSON.stringify(await askJson<readonly Message[]>(program, host, `/api/rooms/${id}/timeline?pageSize=100`));
      if (waiting.length < 3 || !shown.includes('Gladly.') || !shown.includes('One more thing.')) throw new Error('mail is on its way in');
      return waiting;
    },
    { timeout: 60_000, interval: 100 },
  );
  await act(writing, host, `/gateway/held/${held[0]?.mailId}/confirm`, { method: 'POST' });
  await act(writing, host, `/gateway/held/${held[1]?.mailId}/refuse`, { method: 'POST' });
  await vi.waitFor(
    async () => {
      const shown = await askJson<readonly Message[]>(program, host, `/api/rooms/${id}/timeline?pageSize=100`);
      const waiting = shown.flatMap(({ mails = [] }) => mails.filter(({ status }) => !FINAL.includes(status)));
      if (waiting.length > 0 || !(await isCaughtUp(program))) throw new Error(`${waiting.length} mails are on their way`);
    },
    { timeout: 60_000, interval: 100 },
  );
  // Who says so now gets mail of what is said from now on, and not while we look.
  const digest = { timeZone: 'UTC', times: [new Date(Date.now() + 12 * 3_600_000).toISOString().slice(11, 16)] };
  await act(writing, host, '/api/mail-notifications', { method: 'PUT', body: { standard: 'digest', digest } });
};

/** Vouched for, with a file; twice; of nobody who takes part; and by SMTP, where nothing proves who wrote it. */
const comeIn = async ({ program }: Writing, room: ConversationId): Promise<void> => {
  const keys = replyKeysOf((key, data) => createHmac('sha256', key).update(data).digest(), REPLY_SECRET);
  const to = replyAddressOf(issueReplyToken(keys, { conversationId: room, number: 1 }, 'grace@letters.example'), 'inbox.tidings.test');
  const proof = { 'Authentication-Results': 'mx.relay.test; dmarc=pass header.from=letters.example' };
  const file = { filename: 'plan.pdf', content: Buffer.from('%PDF-1.4 plan').toString('base64'), contentType: 'application/pdf' };
  const grace = { from: 'Grace <grace@letters.example>', to, subject: 'Re: By mail' };
  const proven = { ...grace, text: 'Gladly.\n\n> Will you come?', headers: { ...proof, 'Message-ID': '<gladly@letters.example>' } };
  const mails = [
    { ...proven, attachments: [file] },
    { ...proven, attachments: [file] },
    { ...grace, text: 'Is it me?' },
    { ...grace, from: 'mallory@letters.example', text: 'I found this address.', headers: proof },
    { ...grace, text: 'One more thing.', headers: { ...proof, 'In-Reply-To': '<gladly@letters.example>' } },
  ];
  for (const mail of mails) {
    const body = JSON.stringify(mail);
    const signature = createHmac('sha256', WEBHOOK_SECRET).update(body).digest('hex');
    const headers = { 'content-type': 'application/json', 'x-webhook-signature': signature };
    const answer = await fetch(new URL('/gateway/inbound', program.httpUrl), { method: 'POST', headers, body });
    if (answer.status !== 200) throw new Error(`a webhook answered ${answer.status}: ${await answer.text()}`);
  }
  const raw = Buffer.from(
    `From: grace@letters.example\r\nTo: ${to}\r\nSubject: Re: By mail\r\nMessage-ID: <smtp@letters.example>\r\n\r\nBy SMTP.\r\n`,
  );
  const [sent] = await sendAll(program.smtpPort, to, [{ name: 'to the conversation', raw }]);
  if (sent?.emailId == null) throw new Error(`mail to a conversation was refused: ${sent?.reply}`);
};
