/** What becomes of mails on their way, told on their messages; and calling off what is not to arrive any more, as far as it can still be had back. */
import type { MailedStatus } from '@tidings/contracts/events/mailing';
import type { Recorded } from '@tidings/contracts/events/index';
import type { EmailId, UserId } from '@tidings/contracts/ids';
import type { Timestamp } from '@tidings/contracts/time';
import { mailing, mailingKey } from '@tidings/domain/mailing/index';
import { outbound, outboundKey, type OutboundState } from '@tidings/domain/outbound/index';
import * as E from 'fp-ts/lib/Either.js';
import type { DueNotice } from './due.ts';
import { type Mailed, mailedIn, setUnderWay } from './mailed.ts';
import type { OutParts } from './parts.ts';
import { contextOf } from './send.ts';

/** Each says it of a mail with one recipient. */
const NEWS = {
  RecipientsDelivered: 'delivered',
  RecipientsDeliveredInternally: 'delivered',
  RecipientsDeferred: 'deferred',
  RecipientsFailed: 'failed',
  RecipientsOutcomeUnknown: 'unknown',
  RecipientsRetried: 'queued',
  RecipientsCancelled: 'cancelled',
} as const satisfies Readonly<Partial<Record<Recorded['type'], MailedStatus>>>;

export const newsTypes = Object.keys(NEWS) as readonly (keyof typeof NEWS)[]; // the keys of a constant are what they are

type NewsEvent = Extract<Recorded, { readonly type: keyof typeof NEWS }>;
export const isNews = (event: Recorded): event is NewsEvent => event.type in NEWS;

const OPEN: ReadonlySet<MailedStatus> = new Set<MailedStatus>(['queued', 'deferred', 'unknown']);

/** Once more changes nothing. */
export const recordNews = async ({ platform: { commands, pool } }: OutParts, event: NewsEvent): Promise<void> => {
  const { emailId } = event.data;
  const mails = await mailedIn(pool, emailId);
  if (mails.length === 0) return; // other mail
  const status = NEWS[event.type];
  for (const { roomId, messageId, userId } of mails) {
    const command = { type: 'RecordMailStatus', roomId, messageId, userId, emailId, status } as const;
    await commands.transact(mailing, mailingKey(roomId, messageId), command, contextOf('news', event.id, messageId));
  }
  await setUnderWay(pool, emailId, OPEN.has(status));
};

/**
 * What tells of other messages too is called off as well, and those are told by another digest at once.
 * @param at when that happened which it is called off for: the same whenever it is done again
 * @returns what is to be told again
 */
export const callOff = async (
  { platform: { commands, pool } }: OutParts,
  mails: readonly Mailed[],
  { by, at }: { readonly by: UserId; readonly at: Timestamp },
): Promise<readonly DueNotice[]> => {
  const again: DueNotice[] = [];
  for (const emailId of new Set(mails.map((one) => one.emailId))) {
    if (!(await cancel(commands, emailId, by))) continue;
    const all = await mailedIn(pool, emailId);
    for (const { roomId, messageId, userId } of all) {
      const command = { type: 'RecordMailStatus', roomId, messageId, userId, emailId, status: 'cancelled' } as const;
      await commands.transact(mailing, mailingKey(roomId, messageId), command, contextOf('called-off-with', emailId, messageId));
      const isCalledOff = mails.some((one) => one.emailId === emailId && one.messageId === messageId);
      if (!isCalledOff) again.push({ roomId, messageId, userId, policy: 'digest', dueAt: at });
    }
  }
  return again;
};

/** @returns whether it was had back: it may be sent in this very moment, which is no fault */
const cancel = async (commands: OutParts['platform']['commands'], emailId: EmailId, by: UserId): Promise<boolean> => {
  const statusIn = (state: OutboundState): string | undefined => (state.kind === 'none' ? undefined : state.recipients[0]?.status);
  const { state, revision } = await commands.load(outbound, outboundKey(emailId));
  const status = statusIn(state);
  if (status === 'cancelled') return true;
  if (status !== 'queued' && status !== 'deferred') return false;
  const cancelled = await commands.transact(
    outbound,
    outboundKey(emailId),
    { type: 'CancelRecipient', recipient: 0, by },
    contextOf('call-off', emailId, String(revision)),
  );
  return E.isRight(cancelled) && statusIn(cancelled.right.state) === 'cancelled';
};
