/** What events change in the table of what is due: one change for each recipient, however many events tell of it. */
import type { OutboundEvent } from '@tidings/contracts/events/outbound';
import type { AttemptId, EmailId, MailboxId } from '@tidings/contracts/ids';
import { isShredded } from '@tidings/contracts/sealed';
import type { Timestamp } from '@tidings/contracts/time';
import { domainIn } from '@tidings/infra/mail-transport/routes';
import type { DueRecipient } from './due-table.ts';

/** What is kept of a recipient for whom something is still to happen. */
export interface Waiting {
  readonly dueAt: Timestamp | null;
  readonly held: boolean;
  readonly sending: { readonly attemptId: AttemptId; readonly leaseToken: string } | null;
}
export interface Added {
  readonly mailboxId: MailboxId;
  readonly domain: string;
  readonly queuedAt: Timestamp;
}
/** Null: nothing more is to happen. `added` is absent for a recipient whose row is there already. */
export type Change = { readonly emailId: EmailId; readonly recipient: number } & (
  | { readonly waiting: null }
  | { readonly waiting: Waiting; readonly added?: Added }
);

/** An event of the page, with when it was recorded. */
export type Told = OutboundEvent & { readonly recordedAt: Timestamp };

/** Bad addresses have a lane of their own, where they fail. */
export const NO_DOMAIN = '';

/** Changes that gather until they are written. */
export class Changes {
  readonly #of = new Map<string, Change>();

  get size(): number {
    return this.#of.size;
  }
  add(change: Change): void {
    const key = `${change.emailId} ${change.recipient}`;
    const before = this.#of.get(key);
    const isNew = change.waiting !== null && before !== undefined && before.waiting !== null && before.added !== undefined;
    this.#of.set(key, isNew ? { added: before.added, ...change } : change);
  }
  addAll(changes: readonly Change[]): void {
    for (const change of changes) this.add(change);
  }
  all(): readonly Change[] {
    return [...this.#of.values()];
  }
}

/** @param domainsOf the domains of recipients that somebody wants tried again, whose rows may be gone */
export const changesOf = async (
  events: readonly Told[],
  domainsOf: (emailId: EmailId) => Promise<readonly string[]>,
): Promise<readonly Change[]> => {
  const changes = new Changes();
  const set = (emailId: EmailId, recipients: readonly number[], waiting: Waiting | null): void => {
    for (const recipient of recipients) changes.add({ emailId, recipient, waiting });
  };
  const add = (emailId: EmailId, recipient: number, waiting: Waiting, added: Added): void => {
    changes.add({ emailId, recipient, waiting, added });
  };

  for (const event of events) {
    const { emailId, mailboxId } = event.data;
    switch (event.type) {
      case 'EmailQueued':
        if (isShredded(event.data.recipients)) break; // of a mailbox that was erased: nobody can be written to
        for (const [recipient, { address }] of event.data.recipients.entries())
          add(emailId, recipient, due(event.recordedAt), { mailboxId, domain: domainIn(address) ?? NO_DOMAIN, queuedAt: event.recordedAt });
        break;
      case 'TransmissionBegun': {
        const { recipients, attemptId, leaseToken } = event.data;
        set(emailId, recipients, { dueAt: null, held: false, sending: { attemptId, leaseToken } });
        break;
      }
      case 'RecipientsDeferred':
        set(emailId, event.data.recipients, { ...due(event.data.retryAt), held: !event.data.attempted });
        break;
      case 'RecipientsOutcomeUnknown':
        set(emailId, event.data.recipients, event.data.retryAt === null ? null : due(event.data.retryAt));
        break;
      case 'RecipientsRetried': {
        const domains = await domainsOf(emailId);
        for (const recipient of event.data.recipients) {
          const domain = domains[recipient];
          if (domain !== undefined) add(emailId, recipient, due(event.recordedAt), { mailboxId, domain, queuedAt: event.recordedAt });
        }
        break;
      }
      case 'RecipientsDelivered':
      case 'RecipientsDeliveredInternally':
      case 'RecipientsFailed':
      case 'RecipientsCancelled':
        set(emailId, event.data.recipients, null);
        break;
      case 'RecipientsReported':
        if (event.data.moves) set(emailId, event.data.recipients, null);
        break;
      case 'RecipientsDismissed':
      case 'RecipientsComplained':
      case 'RecipientsAcknowledged':
        break;
    }
  }
  return changes.all();
};

const due = (dueAt: Timestamp): Waiting => ({ dueAt, held: false, sending: null });

/** Those that became due just now, for whoever can take them at once. */
export const dueIn = (changes: readonly Change[], now: number): readonly DueRecipient[] =>
  changes.flatMap((change): readonly DueRecipient[] => {
    if (change.waiting === null || change.added === undefined || change.waiting.dueAt === null) return [];
    if (Date.parse(change.waiting.dueAt) > now) return [];
    const { emailId, recipient, added } = change;
    return [{ emailId, recipient, mailboxId: added.mailboxId, domain: added.domain, queuedAt: Date.parse(added.queuedAt) }];
  });

/** When the first of them is due, in milliseconds since the epoch; null when none is. */
export const firstDue = (changes: readonly Change[]): number | null => {
  const times = changes.flatMap(({ waiting }) => (waiting === null || waiting.dueAt === null ? [] : [Date.parse(waiting.dueAt)]));
  return times.length === 0 ? null : times.reduce((first, at) => Math.min(first, at));
};
