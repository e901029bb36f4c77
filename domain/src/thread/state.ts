import type { EmailFiled, Place } from '@tidings/contracts/events/thread';
import type { EmailId, LabelId, MailboxId } from '@tidings/contracts/ids';
import type { ThreadEvent } from './events.ts';

/** What each mailbox that holds the thread did with it; what the emails say is not needed to decide. */
export type State = ReadonlyMap<MailboxId, Holding>;

export interface Holding {
  /** In the order they were filed. */
  readonly emails: readonly HeldEmail[];
  /** The last email read; null when none is. */
  readonly readUpTo: EmailId | null;
  readonly starred: boolean;
  readonly labels: ReadonlySet<LabelId>;
}

export interface HeldEmail {
  readonly emailId: EmailId;
  readonly direction: EmailFiled['data']['direction'];
  readonly place: Place;
}

export const initial: State = new Map();

const nothingHeld: Holding = { emails: [], readUpTo: null, starred: false, labels: new Set() };

export const evolve = (state: State, event: ThreadEvent): State => {
  switch (event.type) {
    case 'EmailFiled': {
      const { emailId, direction, place } = event.data;
      return change(state, event, (held) =>
        holds(held, emailId) ? held : { ...held, emails: [...held.emails, { emailId, direction, place }] },
      );
    }
    case 'ThreadRead':
      return change(state, event, (held) => ({ ...held, readUpTo: event.data.upTo }));
    case 'EmailsMoved': {
      const moved = new Set(event.data.emailIds);
      const { place } = event.data;
      return change(state, event, (held) => ({
        ...held,
        emails: held.emails.map((email) => (moved.has(email.emailId) ? { ...email, place } : email)),
      }));
    }
    case 'ThreadStarred':
      return change(state, event, (held) => ({ ...held, starred: event.data.starred }));
    case 'ThreadLabelled':
      return change(state, event, (held) => ({ ...held, labels: toggled(held.labels, event.data.labelId, event.data.labelled) }));
    default:
      return state;
  }
};

const change = (state: State, { data: { mailboxId } }: ThreadEvent, how: (held: Holding) => Holding): State =>
  new Map(state).set(mailboxId, how(heldBy(state, mailboxId)));

export const heldBy = (state: State, mailbox: MailboxId): Holding => state.get(mailbox) ?? nothingHeld;

export const holds = (held: Holding, email: EmailId): boolean => held.emails.some(({ emailId }) => emailId === email);

const toggled = (labels: ReadonlySet<LabelId>, label: LabelId, on: boolean): ReadonlySet<LabelId> => {
  const changed = new Set(labels);
  if (on) changed.add(label);
  else changed.delete(label);
  return changed;
};
