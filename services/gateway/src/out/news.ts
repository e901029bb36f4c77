/** What becomes of mails on their way, told on their messages; and calling off what is not to arrive any more, as far as it can still be had back. */
import type { MailedStatus } from '@tidings/contracts/events/mailing';
import type { Recorded } from '@tidings/contracts/events/index';
import type { EmailId, UserId } from '@tidings/contracts/ids';
import { mailing, mailingKey } from '@tidings/domain/mailing/index';
import { outbound, outboundKey } from '@tidings/domain/outbound/index';
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

/** What tells of other conversations or messages too goes all the same: it was right when it was sent. */
export const callOff = async ({ platform: { commands, pool } }: OutParts, mails: readonly Mailed[], by: UserId): Promise<void> => {
  for (const emailId of new Set(mails.map((one) => one.emailId))) {
    const called = mails.filter((one) => one.emailId === emailId);
    if ((await mailedIn(pool, emailId)).length > called.length) continue;
    await cancel(commands, emailId, by);
  }
};

const cancel = async (commands: OutParts['platform']['commands'], emailId: EmailId, by: UserId): Promise<void> => {
  const { state, revision } = await commands.load(outbound, outboundKey(emailId));
  if (state.kind === 'none' || !['queued', 'deferred'].includes(state.recipients[0]?.status ?? '')) return;
  // It may be sent in this very moment: then it is too late, which is no fault.
  await commands.transact(
    outbound,
    outboundKey(emailId),
    { type: 'CancelRecipient', recipient: 0, by },
    contextOf('call-off', emailId, String(revision)),
  );
};
