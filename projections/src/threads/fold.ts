/** How one thread of one mailbox changes, in memory. Nothing here reads or writes; `store.ts` does. */
import {
  type Place,
  type Remainder,
  type EmailFiled,
  type EmailKeywordsSet,
  type EmailsMoved,
  type ThreadRead,
} from '@tidings/contracts/events/thread';
import type { Address } from '@tidings/contracts/events/email';
import type { Recorded } from '@tidings/contracts/events/index';
import { type MailAddress, type View, views } from '@tidings/contracts/http/mail-objects';
import type { EmailId, MailboxId, ThreadId } from '@tidings/contracts/ids';
import type { Position } from '@tidings/contracts/ports/event-log';
import { isShredded } from '@tidings/contracts/sealed';
import type { Timestamp } from '@tidings/contracts/time';
import { storable } from '../chat-view/people.ts';

/** A row of `thread`. Mutable: a page of thousands of events makes no copy per event. */
export interface ThreadRow {
  readonly threadId: ThreadId;
  readonly mailboxId: MailboxId;
  /** The first one stays (mail-contract §5). */
  readonly subject: string;
  /** Of the latest email that ranked the thread. */
  snippet: string;
  participants: readonly MailAddress[];
  firstAt: Timestamp;
  /** What lists are ordered by. Never goes back, so that a walk through pages meets no thread twice. */
  lastAt: Timestamp;
  lastPosition: Position;
  /** When its last email came, if that was earlier: those behind it are gone, and the thread keeps its place in lists. */
  endedAt: Timestamp | null;
  starred: boolean;
  hasAttachments: boolean;
  /** Whether it ever bore a label or had somebody to take care of it (`marks.ts`). */
  marked: boolean;
  /** Of the last email read; empty when none is. */
  readUpTo: Position | '';
  readonly emails: Record<Place, number>;
  /** Incoming emails behind `readUpTo`. */
  readonly unread: UnreadCounts;
}

export interface UnreadCounts {
  main: number;
  spam: number;
  trash: number;
}

/** What is needed of an email to read up to it, to move it, and to know where its thread stood at an earlier time. */
export interface HeldEmail {
  readonly emailId: EmailId;
  readonly position: Position;
  /** When it was filed, or got by who had it before. */
  readonly at: Timestamp;
  readonly incoming: boolean;
  /** Whether it moved its thread up as it came. */
  readonly ranks: boolean;
  /** Which row of `held` it is in; `OWN`: that of the thread itself. */
  readonly chunk: number;
  place: Place;
  /** An exception to how far the thread is read; null: none. */
  seen: boolean | null;
}
/** In the order they were filed. */
export type Held = Map<EmailId, HeldEmail>;

/** The chunk that is in the row of the thread itself. */
export const OWN = 0;

/** Emails in it: most threads have no more, and are one row. Not as many as in others, for it is copied whenever its thread changes. */
const FIRST = 16;

/** Emails to a row of `held`: rows of one email each cost a replay half its speed, rows without end cost long threads theirs. */
const CHUNK = 64;

/** Enough to know a conversation by; a list of thousands would be rewritten with each email. */
const MOST_PARTICIPANTS = 20;

/** What goes away from a thread of which some is left. */
export interface RemovedEmails {
  readonly emailIds: readonly EmailId[];
  readonly bytes: number;
  /** Of those that are left; null when it is the business of a removal right behind this one. */
  readonly remainder: Remainder | null;
}

/** `row` is undefined when the mailbox has nothing of the thread yet; `opensChunk`: the email is the first of its chunk. */
export const fileEmail = (
  row: ThreadRow | undefined,
  event: Recorded<EmailFiled>,
): { readonly row: ThreadRow; readonly email: HeldEmail; readonly opensChunk: boolean } => {
  const { emailId, direction, place, content, imported } = event.data;
  const { position } = event;
  const at = cameAt(event);
  const said = isShredded(content) ? NOTHING_SAID : content;
  const kept = row ?? started(event, at, storable(said.subject));
  const before = allEmails(kept);
  const chunk = chunkAt(before);
  const isFirst = row === undefined;
  // What goes straight to spam or trash does not bring a conversation up.
  const ranks = isFirst || groupOf(place) === 'main' || mainEmails(kept) === 0;
  // Old mail that is brought along finds its place among what is there.
  if (ranks && (isFirst || at > kept.lastAt || (at === kept.lastAt && position > kept.lastPosition))) {
    kept.lastAt = at;
    kept.lastPosition = position;
    kept.endedAt = null;
    kept.snippet = said.preview;
  }
  if (at < kept.firstAt) kept.firstAt = at;
  kept.starred ||= imported?.starred === true;
  kept.participants = joined(kept.participants, said.from);
  kept.hasAttachments ||= said.hasAttachments;
  kept.emails[place] += 1;
  const incoming = direction === 'in';
  const seen = imported?.keywords.$seen ?? null;
  if (incoming && seen !== true) kept.unread[groupOf(place)] += 1;
  return {
    row: kept,
    email: { emailId, position, at, incoming, ranks, chunk, place, seen },
    opensChunk: before === 0 || chunkAt(before - 1) !== chunk,
  };
};

/** When an email counts as having come: what was brought along came to where it was before, what was split off came long ago. */
export const cameAt = ({ data: { imported, movedFrom }, recordedAt }: Recorded<EmailFiled>): Timestamp =>
  movedFrom?.cameAt ?? imported?.receivedAt ?? recordedAt;

/** Which chunk the email behind so many others goes into. */
export const chunkAt = (emails: number): number => (emails < FIRST ? OWN : OWN + 1 + Math.floor((emails - FIRST) / CHUNK));

const NOTHING_SAID = { subject: '', preview: '', from: [] as readonly Address[], hasAttachments: false };

const started = ({ data, position }: Recorded<EmailFiled>, at: Timestamp, subject: string): ThreadRow => ({
  threadId: data.threadId,
  mailboxId: data.mailboxId,
  subject,
  snippet: '',
  participants: [],
  firstAt: at,
  lastAt: at,
  lastPosition: position,
  endedAt: null,
  starred: false,
  hasAttachments: false,
  marked: false,
  readUpTo: '',
  emails: { inbox: 0, archive: 0, spam: 0, trash: 0, sent: 0, drafts: 0 },
  unread: { main: 0, spam: 0, trash: 0 },
});

/** @returns the emails that are no exception any more */
export const readThread = (row: ThreadRow, held: Held, { data: { upTo } }: Recorded<ThreadRead>): readonly HeldEmail[] => {
  if (upTo === null) row.readUpTo = '';
  else row.readUpTo = held.get(upTo)?.position ?? row.readUpTo;
  const excepted = [...held.values()].filter(({ seen }) => seen !== null);
  for (const email of excepted) email.seen = null;
  recountUnread(row, held);
  return excepted;
};

/** @returns the email, when it is another exception now */
export const markEmail = (row: ThreadRow, held: Held, { data: { emailId, set } }: Recorded<EmailKeywordsSet>): readonly HeldEmail[] => {
  const email = held.get(emailId);
  if (email === undefined || set.$seen === undefined || set.$seen === email.seen) return [];
  email.seen = set.$seen;
  recountUnread(row, held);
  return [email];
};

/** @returns the emails whose place is another now */
export const moveEmails = (row: ThreadRow, held: Held, { data: { emailIds, place } }: Recorded<EmailsMoved>): readonly HeldEmail[] => {
  const moved = emailIds.flatMap((id) => held.get(id) ?? []).filter((email) => email.place !== place);
  for (const email of moved) {
    row.emails[email.place] -= 1;
    row.emails[place] += 1;
    email.place = place;
  }
  recountUnread(row, held);
  return moved;
};

/**
 * Takes emails out of a thread of which some are left. Its place in lists stays: a walk through them meets no thread twice.
 * @returns the emails that are left, with the chunks that they go into now
 */
export const removeEmails = (row: ThreadRow, held: Held, { emailIds, remainder }: RemovedEmails): readonly HeldEmail[] => {
  for (const id of emailIds) {
    const email = held.get(id);
    if (email === undefined) continue;
    row.emails[email.place] -= 1;
    held.delete(id);
  }
  const left = [...held.values()].map((email, nth) => ({ ...email, chunk: chunkAt(nth) }));
  const latest = (some: readonly HeldEmail[]): Timestamp | undefined =>
    some
      .map(({ at }) => at)
      .toSorted()
      .at(-1);
  const last = latest(left.filter(({ ranks }) => ranks)) ?? latest(left);
  if (last !== undefined) {
    row.firstAt = left.map(({ at }) => at).toSorted()[0] ?? row.firstAt;
    row.endedAt = last < row.lastAt ? last : null;
  }
  if (remainder !== null) {
    row.snippet = remainder.snippet;
    row.participants = remainder.participants;
    row.hasAttachments = remainder.hasAttachments;
  }
  recountUnread(row, held);
  return left;
};

const recountUnread = ({ readUpTo, unread }: ThreadRow, held: Held): void => {
  Object.assign(unread, { main: 0, spam: 0, trash: 0 });
  for (const { incoming, position, place, seen } of held.values()) {
    if (incoming && (seen === null ? position > readUpTo : !seen)) unread[groupOf(place)] += 1;
  }
};

const groupOf = (place: Place): keyof UnreadCounts => (place === 'spam' || place === 'trash' ? place : 'main');

/** Emails that are neither spam nor trash. */
const mainEmails = ({ emails }: ThreadRow): number => emails.inbox + emails.archive + emails.sent + emails.drafts;

const allEmails = (row: ThreadRow): number => mainEmails(row) + row.emails.spam + row.emails.trash;

const joined = (known: readonly MailAddress[], from: readonly Address[]): readonly MailAddress[] => {
  let all = known;
  for (const { name, email } of from) {
    if (all.length >= MOST_PARTICIPANTS) break;
    if (!all.some((one) => isSame(one, name, email))) all = [...all, { name, email }];
  }
  return all;
};

/** Someone without an address is known by name. */
const isSame = (one: MailAddress, name: string | null, email: string): boolean =>
  (one.email === email || one.email.toLowerCase() === email.toLowerCase()) && (email !== '' || one.name === name);

/** The views a thread is in; the conditions are those of the indexes in `index.ts`. */
const shows: Readonly<Record<View, (row: ThreadRow) => boolean>> = {
  inbox: ({ emails }) => emails.inbox > 0,
  all: (row) => mainEmails(row) > 0,
  starred: (row) => row.starred && mainEmails(row) > 0,
  sent: ({ emails }) => emails.sent > 0,
  drafts: ({ emails }) => emails.drafts > 0,
  archive: ({ emails }) => emails.archive > 0 && emails.inbox === 0,
  spam: ({ emails }) => emails.spam > 0,
  trash: ({ emails }) => emails.trash > 0,
};

/** One letter per view in the order of `views`: `-` not in it, `r` in it and read, `u` in it and unread. */
export const standing = (row: ThreadRow): string =>
  views
    .map((view) => (shows[view](row) ? (row.unread[view === 'spam' || view === 'trash' ? view : 'main'] > 0 ? 'u' : 'r') : '-'))
    .join('');

/** Threads and unread threads per view, in the order of `views`. */
export interface Tally {
  readonly threads: number[];
  readonly unread: number[];
}
export const emptyTally = (): Tally => ({ threads: views.map(() => 0), unread: views.map(() => 0) });

/** Counts a thread with `by` 1, takes it out with -1. */
export const count = ({ threads, unread }: Tally, stands: string, by: 1 | -1): void => {
  for (let at = 0; at < stands.length; at += 1) {
    if (stands[at] === '-') continue;
    threads[at] = (threads[at] ?? 0) + by;
    if (stands[at] === 'u') unread[at] = (unread[at] ?? 0) + by;
  }
};
