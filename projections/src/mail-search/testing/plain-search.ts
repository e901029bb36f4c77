/** The plain way to find mail: look at every one. What every engine must agree with (docs/decisions/030). */
import type { Address } from '@tidings/contracts/events/email';
import type { Place } from '@tidings/contracts/events/thread';
import type { MailCondition, MailQuery, TextCondition } from '@tidings/contracts/mail-query/ast';
import { stretchOf } from '@tidings/contracts/mail-query/when';
import type { MailHit, MailPlace, MailQuestion } from '@tidings/contracts/ports/mail-search';
import { wordsOf } from '../../message-search/words.ts';

export interface PlainMail extends MailHit {
  readonly subject: string;
  readonly body: string;
  readonly files: readonly string[];
  readonly from: readonly Address[];
  readonly to: readonly Address[];
  readonly cc: readonly Address[];
  readonly bcc: readonly Address[];
  readonly hasAttachments: boolean;
  readonly size: number;
  readonly place: Place;
  readonly unread: boolean;
  readonly starred: boolean;
  readonly labels: readonly string[];
}

/** A folded word's stems in all languages. */
export type StemsOf = (word: string) => readonly string[];

/** All that are found, newest first. */
export const plainSearch = (mails: readonly PlainMail[], { query, mailboxes, now }: MailQuestion, stemsOf: StemsOf): readonly MailHit[] => {
  const asked = new Set(viewsIn(query));
  return mails
    .filter(({ mailboxId }) => mailboxes.includes(mailboxId))
    .filter(({ place }) => (place !== 'spam' && place !== 'trash') || asked.has(place))
    .filter((mail) => matches(mail, query, { now, stemsOf }))
    .toSorted(byPlace)
    .map(({ at, emailId, mailboxId, threadId }) => ({ at, emailId, mailboxId, threadId }));
};

/** Newest first; ids and times sort as text. */
export const byPlace = (a: MailPlace, b: MailPlace): number =>
  compare(b.at, a.at) || compare(b.emailId, a.emailId) || compare(b.mailboxId, a.mailboxId) || compare(b.threadId, a.threadId);
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const viewsIn = (query: MailQuery): readonly string[] => {
  if (query.kind === 'all' || query.kind === 'any') return query.of.flatMap(viewsIn);
  if (query.kind === 'not') return viewsIn(query.query);
  return query.kind === 'in' ? [query.view] : [];
};

interface Context {
  readonly now: number;
  readonly stemsOf: StemsOf;
}

const matches = (mail: PlainMail, query: MailQuery, context: Context): boolean => {
  if (query.kind === 'all') return query.of.every((one) => matches(mail, one, context));
  if (query.kind === 'any') return query.of.some((one) => matches(mail, one, context));
  if (query.kind === 'not') return !matches(mail, query.query, context);
  return meets(mail, query, context);
};

const meets = (mail: PlainMail, condition: MailCondition, { now, stemsOf }: Context): boolean => {
  switch (condition.kind) {
    case 'text':
      return meetsText(mail, condition, stemsOf);
    case 'person': {
      const people = { from: mail.from, to: [...mail.to, ...mail.cc, ...mail.bcc], cc: mail.cc, bcc: mail.bcc }[condition.role];
      return people.some((one) => isPerson(one, condition.value));
    }
    case 'attachment':
      return mail.hasAttachments;
    case 'in':
      if (condition.view === 'all') return mail.place !== 'spam' && mail.place !== 'trash';
      return condition.view === 'starred' ? mail.starred : mail.place === condition.view;
    case 'label':
      return mail.labels.some((label) => label === condition.name || label.startsWith(`${condition.name}/`));
    case 'is':
      return { read: !mail.unread, unread: mail.unread, starred: mail.starred, unassigned: true, 'assigned-to-me': false }[condition.state];
    case 'date': {
      const { start, day } = stretchOf(condition.when, now);
      const at = Date.parse(mail.at);
      if (condition.bound === 'before') return at < start;
      return condition.bound === 'after' ? at >= start : at >= day.start && at < day.end;
    }
    case 'size':
      return condition.bound === 'larger' ? mail.size > condition.bytes : mail.size < condition.bytes;
  }
};

const people = ({ from, to, cc, bcc }: PlainMail): readonly string[] =>
  [...from, ...to, ...cc, ...bcc].flatMap(({ name, email }) => [name ?? '', email]);

const meetsText = (mail: PlainMail, { field, text, exact }: TextCondition, stemsOf: StemsOf): boolean => {
  const stemmed = [
    ...(field === 'any' || field === 'subject' ? [mail.subject] : []),
    ...(field === 'any' || field === 'body' ? [mail.body] : []),
  ];
  const plain = [...(field === 'any' || field === 'filename' ? mail.files : []), ...(field === 'any' ? people(mail) : [])];
  const wanted = folded(text);
  const [only, ...more] = wanted;
  if (only === undefined) return false;
  const isLoose = !exact && more.length === 0;
  const forms = new Set([only, ...stemsOf(only)]);
  return [...stemmed, ...plain].some(
    (one) =>
      isNear(folded(one), wanted, !exact && [...(wanted.at(-1) ?? '')].length >= 3) ||
      (isLoose && stemmed.includes(one) && folded(one).some((word) => [word, ...stemsOf(word)].some((form) => forms.has(form)))),
  );
};

const isPerson = ({ name, email }: Address, value: string): boolean => {
  const address = email.toLowerCase();
  const wanted = value.toLowerCase();
  if (wanted.startsWith('@')) return address.endsWith(wanted);
  if (wanted.includes('@')) return address === wanted;
  const [first, ...more] = folded(value);
  return [name ?? '', email].some((text) =>
    folded(text).some((word, at, all) => {
      if (more.length === 0) return word.startsWith(first ?? '') || ([...(first ?? '')].length >= 3 && word.includes(first ?? ''));
      const isFirst = word === first || ([...(first ?? '')].length >= 3 && word.endsWith(first ?? ''));
      return isFirst && isNear(all.slice(at + 1, at + 1 + more.length), more, true);
    }),
  );
};

const isNear = (words: readonly string[], wanted: readonly string[], prefix: boolean): boolean =>
  words.some((_, at) =>
    wanted.every((word, offset) =>
      prefix && offset === wanted.length - 1 ? words[at + offset]?.startsWith(word) === true : words[at + offset] === word,
    ),
  );

const folded = (text: string): readonly string[] => wordsOf(text).map(({ word }) => word);
