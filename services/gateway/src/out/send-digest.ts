/** One digest: all that waits for it and is still to be told, in one mail; recorded for each message before it goes, as a notice is. */
import { derivedId, type EmailId, type RoomId, type UserId } from '@tidings/contracts/ids';
import { timestamp } from '@tidings/contracts/time';
import { mailing, mailingKey } from '@tidings/domain/mailing/index';
import { notices, noticesKey } from '@tidings/domain/notices/index';
import { digestMail, type DigestRoom } from './digest.ts';
import { type DueDigest, type DueNotice, forget, inDigest, putOff } from './due.ts';
import { type Facts, lookAt, messageSaid } from './facts.ts';
import { rememberMailed } from './mailed.ts';
import type { OutParts } from './parts.ts';
import { digestAfter } from './plan.ts';
import { contextOf, gatewayHeaders, isQueued, mapAndQueue, messageIdOf, replyAddressOf } from './send.ts';
import { receivedAs } from '../../../smtp-egress/src/internal.ts';

/** Of one room; the rest is counted. */
const MOST_MESSAGES = 100;
/** In one mail: its link to have no more names them all. The others come with the next one. */
const MOST_ROOMS = 50;

interface Told {
  readonly due: DueNotice;
  readonly facts: Facts;
}

/** @throws for outages, which pass */
export const sendDigest = async (parts: OutParts, digest: DueDigest): Promise<void> => {
  const { platform } = parts;
  const emailId = derivedId<EmailId>('digest', digest.userId, digest.dueAt);
  const waiting = await inDigest(platform.pool, digest);
  if (await isQueued(parts, emailId)) return clear(parts, waiting, emailId);
  const told: Told[] = [];
  const rooms = new Set([...new Set(waiting.map(({ roomId }) => roomId))].slice(0, MOST_ROOMS));
  for (const due of waiting.filter(({ roomId }) => rooms.has(roomId))) {
    const facts = await claim(parts, due, emailId);
    if (facts === null) await forget(platform.pool, due);
    else told.push({ due, facts });
  }
  if (told.length > 0) await send(parts, digest.userId, emailId, told);
  for (const { due } of told) await forget(platform.pool, due);
};

/** It has gone: what came too late for it waits for the next. */
const clear = async ({ platform }: OutParts, waiting: readonly DueNotice[], emailId: EmailId): Promise<void> => {
  for (const due of waiting) {
    const { state } = await platform.commands.load(mailing, mailingKey(due.roomId, due.messageId));
    const standing = state.recipients.get(due.userId);
    const isLate = standing?.kind === 'planned' || (standing?.kind === 'mailed' && standing.emailId !== emailId);
    if (!isLate) {
      await forget(platform.pool, due);
      continue;
    }
    const { state: wishes } = await platform.commands.load(notices, noticesKey(due.userId));
    await putOff(platform.pool, due, digestAfter(platform.config.gatewayOut, wishes.digest, platform.now()));
  }
};

/** What it is to tell of a message, once it is recorded that this email tells it; null for one that is not to be told. */
const claim = async (parts: OutParts, due: DueNotice, emailId: EmailId): Promise<Facts | null> => {
  const { commands } = parts.platform;
  const { roomId, messageId, userId } = due;
  const key = mailingKey(roomId, messageId);
  const { state } = await commands.load(mailing, key);
  const standing = state.recipients.get(userId);
  if (standing === undefined || standing.kind === 'not-mailed') return null;
  // Told by another mail, unless that was called off, for the sake of something else in it.
  const insteadOf = standing.kind === 'mailed' && standing.emailId !== emailId ? standing.emailId : null;
  if (insteadOf !== null && !(standing.kind === 'mailed' && standing.status === 'cancelled')) return null;
  const look = await lookAt(parts, due);
  const of = { roomId, messageId, userId };
  if (look.type === 'mail') {
    const context = contextOf('mail', messageId, userId, ...(insteadOf === null ? [] : [emailId]));
    await commands.transact(mailing, key, { type: 'Mail', ...of, emailId, insteadOf }, context);
    return look.facts;
  }
  await commands.transact(mailing, key, { type: 'DoNotMail', ...of, because: look.because }, contextOf('do-not', messageId, userId));
  const calledOff = { type: 'RecordMailStatus', ...of, emailId, status: 'cancelled' } as const;
  await commands.transact(mailing, key, calledOff, contextOf('called-off', messageId, userId));
  return null;
};

const send = async (parts: OutParts, userId: UserId, emailId: EmailId, told: readonly Told[]): Promise<void> => {
  const { platform, links, publicUrl } = parts;
  const { from, fromName: service } = platform.config.gatewayOut;
  const [first] = told;
  if (first === undefined) return;
  const { address, said } = first.facts;
  const byRoom = [...Map.groupBy(told, ({ due }) => due.roomId)];
  const rooms = await Promise.all(byRoom.map(([roomId, ofRoom]) => roomOf(parts, roomId, userId, ofRoom)));
  await rememberMailed(
    platform.pool,
    told.map(({ due: { messageId, roomId } }) => ({ emailId, messageId, roomId, userId, receivedAs: receivedAs(emailId, [0]) })),
  );
  const worded = digestMail({ service, fromAddress: from, timeZone: said.digest.timeZone, rooms: rooms.map(({ room }) => room) });
  const [only] = rooms;
  const isOne = rooms.length === 1 && only !== undefined;
  await mapAndQueue(parts, {
    ...{ emailId, userId, address },
    mail: {
      ...worded,
      ...{ messageId: messageIdOf(parts, emailId), date: timestamp(platform.now()), to: [{ name: null, email: address }], cc: [] },
      ...{ inReplyTo: null, references: [], autoSubmitted: 'auto-generated' as const, receiptTo: null },
      unsubscribe: `${publicUrl}${links.unsubscribePath({ userId, rooms: byRoom.map(([roomId]) => roomId) })}`,
      ...(isOne ? { replyTo: { name: null, email: only.reply.address } } : {}),
      headers: gatewayHeaders(first.due.roomId),
    },
    // An answer to what tells of several conversations belongs to none of them: each has its own address in the text.
    mapped: isOne ? [{ roomId: only.roomId, messageId: only.lastId, reply: only.reply }] : [],
  });
};

const roomOf = async (parts: OutParts, roomId: RoomId, userId: UserId, told: readonly Told[]) => {
  const { links, publicUrl } = parts;
  const inOrder = told.toSorted((a, b) => a.facts.entry.seq - b.facts.entry.seq);
  const shown = inOrder.slice(0, MOST_MESSAGES);
  const last = inOrder.at(-1);
  if (last === undefined) throw new Error('a room without messages is in a digest');
  const reply = await replyAddressOf(parts, roomId, userId, last.facts.address);
  const room: DigestRoom = {
    conversation: last.facts.conversation,
    messages: await Promise.all(shown.map(({ facts }) => messageSaid(parts, facts, false))),
    more: inOrder.length - shown.length,
    replyAddress: reply.address,
    unsubscribeUrl: `${publicUrl}${links.unsubscribePath({ userId, rooms: [roomId] })}`,
  };
  return { room, reply, roomId, lastId: last.due.messageId };
};
