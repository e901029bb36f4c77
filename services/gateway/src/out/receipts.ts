/**
 * What is read in a room is read in its reader's mailbox, and the other way round. Either side only ever takes a mark that it does not have yet, so what
 * crosses over comes back as nothing new, and ends.
 */
import type { EmailKeywordsSet, ThreadRead } from '@tidings/contracts/events/thread';
import type { Recorded } from '@tidings/contracts/events/index';
import type { RoomRead } from '@tidings/contracts/events/read-receipt';
import { EmailId, GatewayMailId, MailboxId, MessageId, RoomId, ThreadId, type UserId } from '@tidings/contracts/ids';
import type { LoggedEvent } from '@tidings/contracts/ports/event-log';
import { mailbox, mailboxKey } from '@tidings/domain/mailbox/index';
import { readReceipt, readReceiptKey } from '@tidings/domain/read-receipt/index';
import { isMember, room, roomKey } from '@tidings/domain/room/index';
import { isSeen, thread, threadKey } from '@tidings/domain/thread/index';
import type { Entry } from '@tidings/projections/chat-view/index';
import { entriesById } from '@tidings/projections/timeline/index';
import * as E from 'fp-ts/lib/Either.js';
import * as t from 'io-ts';
import { arrivedAs, arrivedIn, bringTogether, rememberArrival } from './arrived.ts';
import { type Mailed, mailedIn, setFiled, setRead, unreadIn, unreadTo } from './mailed.ts';
import type { OutParts } from './parts.ts';
import { contextOf } from './send.ts';

/** How long the timeline may take to know a message; without it, the next mark of its reader counts. */
const FRESH_BUDGET_MS = 5_000;

/** What of `EmailFiled` is in the open, in every version of it. */
const Filed = t.readonly(t.type({ threadId: ThreadId, mailboxId: MailboxId, emailId: EmailId }));

/** A mail of ours, or one that is a message too, reached its reader's own mailbox: perhaps they have read the message meanwhile. */
export const mailFiled = async (parts: OutParts, { data }: LoggedEvent, concerned: ReadonlySet<string>): Promise<void> => {
  const filed = Filed.decode(data);
  if (E.isLeft(filed) || !concerned.has(filed.right.emailId)) return;
  const { pool } = parts.platform;
  if (await arrivedIn(pool, filed.right)) await bringTogether(parts, filed.right.emailId);
  await catchUp(parts, await setFiled(pool, filed.right));
};

/** What of `GatewayMailReceived` and `MailMapped` is in the open, in every version of them. */
const Received = t.readonly(t.intersection([t.type({ mailId: GatewayMailId }), t.partial({ emailId: EmailId })]));
const Mapped = t.readonly(t.type({ conversationId: RoomId, direction: t.literal('in'), mailId: GatewayMailId, messageId: MessageId }));

/** A mail came for the gateway, and perhaps for mailboxes too. */
export const mailReceived = async ({ platform: { pool } }: OutParts, { data }: LoggedEvent): Promise<void> => {
  const received = Received.decode(data);
  if (E.isRight(received) && received.right.emailId !== undefined)
    await rememberArrival(pool, received.right.mailId, received.right.emailId);
};

/** It became a message. */
export const mailMapped = async (parts: OutParts, { data, position }: LoggedEvent, concerned: ReadonlySet<string>): Promise<void> => {
  const mapped = Mapped.decode(data);
  if (E.isLeft(mapped) || !concerned.has(mapped.right.mailId)) return;
  const { conversationId: roomId, mailId, messageId } = mapped.right;
  const emailId = await arrivedAs(parts.platform.pool, { mailId, messageId, roomId });
  if (emailId === null) return; // it came for no mailbox
  const { pool, freshness } = parts.platform;
  const together = await bringTogether(parts, emailId);
  if (together.length === 0) return;
  await freshness.waitFor(position, ['timeline'], FRESH_BUDGET_MS);
  for (const id of together) await catchUp(parts, await mailedIn(pool, id));
};

const catchUp = async (parts: OutParts, mails: readonly Mailed[]): Promise<void> => {
  if (mails.length === 0) return; // other mail
  const entries = await entriesOf(parts, mails);
  const read: Mailed[] = [];
  for (const one of mails) {
    const { state } = await parts.platform.commands.load(readReceipt, readReceiptKey(one.roomId, one.userId));
    if ((entries.get(one.messageId)?.seq ?? Infinity) <= (state.upToSeq ?? 0)) read.push(one);
  }
  await setRead(parts.platform.pool, read);
  await markSeen(parts, mails);
};

/** Read in the room. */
export const roomRead = async (parts: OutParts, { data: { roomId, userId, upToSeq } }: Recorded<RoomRead>): Promise<void> => {
  const { pool } = parts.platform;
  const unread = await unreadTo(pool, roomId, userId);
  if (unread.length === 0) return;
  const entries = await entriesOf(parts, unread);
  const read = unread.filter(({ isRead, messageId }) => !isRead && (entries.get(messageId)?.seq ?? Infinity) <= upToSeq);
  if (read.length === 0) return;
  await setRead(pool, read);
  await markSeen(parts, read);
};

/** A mail is seen once all that it tells is read. */
const markSeen = async (parts: OutParts, mails: readonly Mailed[]): Promise<void> => {
  const { commands, pool } = parts.platform;
  for (const emailId of new Set(mails.map((one) => one.emailId))) {
    const all = await mailedIn(pool, emailId);
    const [{ mailboxId, threadId, receivedAs, userId } = NOWHERE] = all;
    if (mailboxId === null || threadId === null || userId === null || !all.every(({ isRead }) => isRead)) continue;
    if (!(await isOwn(parts, mailboxId, userId))) continue;
    const { revision } = await commands.load(thread, threadKey(threadId));
    const command = { type: 'SetKeywords', threadId, mailboxId, emailId: receivedAs, set: { $seen: true }, by: userId } as const;
    // It may be gone from there: then there is nothing to mark.
    await commands.transact(thread, threadKey(threadId), command, contextOf('seen', emailId, String(revision)));
  }
};
const NOWHERE = { mailboxId: null, threadId: null, userId: null, receivedAs: null } as const;

/** In a mailbox that others read too, a mail that one of them knows may be news to the others. */
const isOwn = async ({ platform: { commands } }: OutParts, mailboxId: MailboxId, userId: UserId): Promise<boolean> => {
  const { state } = await commands.load(mailbox, mailboxKey(mailboxId));
  return state.kind === 'open' && state.mailboxKind === 'personal' && state.owner === userId;
};

/** Read in the mailbox. */
export const mailRead = async (
  parts: OutParts,
  { id, data: { threadId, mailboxId, by } }: Recorded<ThreadRead | EmailKeywordsSet>,
): Promise<void> => {
  const { commands, pool } = parts.platform;
  const unread = (await unreadIn(pool, threadId, mailboxId)).filter(({ userId }) => userId === by);
  if (unread.length === 0 || !(await isOwn(parts, mailboxId, by))) return;
  const { state } = await commands.load(thread, threadKey(threadId));
  const seen = unread.filter(({ receivedAs }) => isSeen(state, mailboxId, receivedAs));
  if (seen.length === 0) return;
  await setRead(pool, seen);
  const entries = await entriesOf(parts, seen);
  for (const [roomId, mails] of Map.groupBy(seen, (one) => one.roomId)) {
    const last = mails.flatMap(({ messageId }) => entries.get(messageId) ?? []).toSorted((a, b) => b.seq - a.seq)[0];
    if (last === undefined) continue;
    const { state: inRoom } = await commands.load(room, roomKey(roomId));
    // Who has left has nothing to mark there.
    await commands.transact(
      readReceipt,
      readReceiptKey(roomId, by),
      { type: 'MarkRoomRead', roomId, userId: by, upToSeq: last.seq, upTo: last.messageId, isMember: isMember(inRoom, by) },
      contextOf('read', id, roomId),
    );
  }
};

const entriesOf = async ({ platform: { read, liveSchema } }: OutParts, mails: readonly Mailed[]): Promise<ReadonlyMap<string, Entry>> => {
  const ids = [...new Set(mails.map(({ messageId }) => messageId))];
  const found = await read.any(entriesById(liveSchema('timeline'), ids));
  return new Map(found.map((entry) => [entry.messageId, entry]));
};
