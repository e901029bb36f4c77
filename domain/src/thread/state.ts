import type { EmailFiled, EmailsDestroyed, EmailsSplitOff, Keywords, Place, ThreadAccess } from '@tidings/contracts/events/thread';
import type { EmailId, LabelId, MailboxId, ThreadId, UserId } from '@tidings/contracts/ids';
import type { ThreadEvent } from './events.ts';

/** What the emails say is not needed to decide. */
export interface State {
  /** What each mailbox that holds the thread did with it. */
  readonly holdings: ReadonlyMap<MailboxId, Holding>;
  /** The mailboxes that have it from another, and what they may do; all others that hold it are its owners. */
  readonly shares: ReadonlyMap<MailboxId, ThreadAccess>;
  /** Who takes care of it, whatever the mailbox. */
  readonly assignees: ReadonlySet<UserId>;
  /** It goes on from another thread, and all of that is in it. */
  readonly splitOff: boolean;
}

export interface Holding {
  /** In the order they were filed. */
  readonly emails: readonly HeldEmail[];
  /** The last email read; null when none is. */
  readonly readUpTo: EmailId | null;
  readonly starred: boolean;
  /** The last email there was as it was starred. */
  readonly starredAt: EmailId | null;
  readonly labels: ReadonlySet<LabelId>;
  /** Emails that are no longer here: the thread in which they go on, or null for those that were destroyed. */
  readonly gone: ReadonlyMap<EmailId, ThreadId | null>;
}

export interface HeldEmail {
  readonly emailId: EmailId;
  readonly direction: EmailFiled['data']['direction'];
  readonly place: Place;
  readonly size: number;
  /** As they were set; `$seen` since the thread was last marked read. */
  readonly keywords: Keywords;
  /** Brought along from elsewhere: filed now, read when it was new. */
  readonly imported: boolean;
}

export const initial: State = { holdings: new Map(), shares: new Map(), assignees: new Set(), splitOff: false };

const nothingHeld: Holding = { emails: [], readUpTo: null, starred: false, starredAt: null, labels: new Set(), gone: new Map() };

export const evolve = (state: State, event: ThreadEvent): State => {
  switch (event.type) {
    case 'EmailFiled': {
      const { emailId, direction, place, size, imported } = event.data;
      const email = { emailId, direction, place, size, keywords: imported?.keywords ?? {}, imported: imported !== undefined };
      return change(state, event, (held) =>
        holds(held, emailId)
          ? held
          : {
              ...held,
              emails: [...held.emails, email],
              ...(imported?.starred === true ? { starred: true, starredAt: emailId } : {}),
              labels: imported === undefined ? held.labels : new Set([...held.labels, ...imported.labels]),
            },
      );
    }
    case 'ThreadRead':
      return change(state, event, (held) => ({ ...held, readUpTo: event.data.upTo, emails: held.emails.map(withoutSeen) }));
    case 'EmailsMoved': {
      const moved = new Set(event.data.emailIds);
      const { place } = event.data;
      return change(state, event, (held) => ({
        ...held,
        emails: held.emails.map((email) => (moved.has(email.emailId) ? { ...email, place } : email)),
      }));
    }
    case 'ThreadStarred':
      return change(state, event, (held) => ({
        ...held,
        starred: event.data.starred,
        starredAt: event.data.starred ? (held.emails.at(-1)?.emailId ?? null) : null,
      }));
    case 'ThreadLabelled':
      return change(state, event, (held) => ({ ...held, labels: toggled(held.labels, event.data.labelId, event.data.labelled) }));
    case 'EmailKeywordsSet': {
      const { emailId, set } = event.data;
      return change(state, event, (held) => ({
        ...held,
        emails: held.emails.map((email) => (email.emailId === emailId ? { ...email, keywords: { ...email.keywords, ...set } } : email)),
      }));
    }
    case 'ThreadAssigned':
      return { ...state, assignees: toggled(state.assignees, event.data.userId, true) };
    case 'ThreadUnassigned':
      return { ...state, assignees: toggled(state.assignees, event.data.userId, false) };
    case 'ThreadShared':
      return { ...state, shares: new Map(state.shares).set(event.data.mailboxId, event.data.role) };
    case 'ThreadUnshared': {
      const { mailboxId } = event.data;
      return { ...state, shares: withoutKey(state.shares, mailboxId), holdings: withoutKey(state.holdings, mailboxId) };
    }
    case 'EmailsDestroyed':
      return remove(state, event, null);
    case 'EmailsSplitOff':
      return remove(state, event, event.data.into);
    case 'ThreadSplitOff':
      return { ...state, splitOff: true };
    default:
      return state;
  }
};

/** What is left keeps what stood on it. With nothing left, a mailbox that had the thread from another has it no longer. */
const remove = (state: State, event: EmailsDestroyed | EmailsSplitOff, into: ThreadId | null): State => {
  const { mailboxId, emailIds } = event.data;
  const leaving = new Set(emailIds);
  const after = change(state, event, (held) => without(held, leaving, into));
  return heldBy(after, mailboxId).emails.length > 0 ? after : { ...after, shares: withoutKey(after.shares, mailboxId) };
};

const without = (held: Holding, leaving: ReadonlySet<EmailId>, into: ThreadId | null): Holding => {
  const gone = new Map(held.gone);
  for (const id of leaving) if (holds(held, id)) gone.set(id, into);
  const emails = held.emails.filter(({ emailId }) => !leaving.has(emailId));
  if (emails.length === 0) return { ...nothingHeld, gone };
  return { ...held, emails, gone, readUpTo: lastLeft(held, held.readUpTo, leaving), starredAt: lastLeft(held, held.starredAt, leaving) };
};

/** `id`, or the last email before it that stays. */
const lastLeft = ({ emails }: Holding, id: EmailId | null, leaving: ReadonlySet<EmailId>): EmailId | null => {
  const at = emails.findIndex(({ emailId }) => emailId === id);
  return emails.slice(0, at + 1).findLast(({ emailId }) => !leaving.has(emailId))?.emailId ?? null;
};

const change = (
  state: State,
  { data: { mailboxId } }: Extract<ThreadEvent, { readonly data: { readonly mailboxId: MailboxId } }>,
  how: (held: Holding) => Holding,
): State => ({ ...state, holdings: new Map(state.holdings).set(mailboxId, how(heldBy(state, mailboxId))) });

export const heldBy = (state: State, mailbox: MailboxId): Holding => state.holdings.get(mailbox) ?? nothingHeld;

/** The mailboxes that have emails of it. */
export const holdersOf = ({ holdings }: State): readonly MailboxId[] =>
  [...holdings].flatMap(([mailbox, { emails }]) => (emails.length > 0 ? [mailbox] : []));

export const holds = (held: Holding, email: EmailId): boolean => held.emails.some(({ emailId }) => emailId === email);

const toggled = <A>(items: ReadonlySet<A>, item: A, on: boolean): ReadonlySet<A> => {
  const changed = new Set(items);
  if (on) changed.add(item);
  else changed.delete(item);
  return changed;
};

const withoutSeen = (email: HeldEmail): HeldEmail => {
  if (email.keywords.$seen === undefined) return email;
  const { $seen: _seen, ...keywords } = email.keywords;
  return { ...email, keywords };
};

/** As they are: an email that was not marked itself is seen when it is ours or the thread is read up to it. */
export const keywordsOf = (held: Holding, email: HeldEmail): Required<Keywords> => {
  const at = (id: EmailId | null): number => held.emails.findIndex(({ emailId }) => emailId === id);
  const $seen = email.direction === 'out' || at(email.emailId) <= at(held.readUpTo);
  return { $seen, $flagged: false, $answered: false, $forwarded: false, ...email.keywords };
};

/** What the thread is to a mailbox; null when it has nothing of it. */
export const accessOf = (state: State, mailbox: MailboxId): ThreadAccess | null =>
  heldBy(state, mailbox).emails.length > 0 ? (state.shares.get(mailbox) ?? 'editor') : null;

const withoutKey = <A>(items: ReadonlyMap<MailboxId, A>, mailbox: MailboxId): ReadonlyMap<MailboxId, A> => {
  const left = new Map(items);
  left.delete(mailbox);
  return left;
};

/** Whether a mailbox has seen an email of the thread; not when it does not hold it. */
export const isSeen = ({ holdings }: State, mailboxId: MailboxId, emailId: EmailId): boolean => {
  const held = holdings.get(mailboxId);
  const email = held?.emails.find((one) => one.emailId === emailId);
  return held !== undefined && email !== undefined && keywordsOf(held, email).$seen;
};
