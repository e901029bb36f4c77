/** What an answer or a forward begins with: whom it goes to, under which subject, after which mails (collaborative inbox §1.4). */
import type { Address } from '@tidings/contracts/events/email';
import { prefixOf } from './base-subject.ts';

export type AnswerMode = 'reply' | 'reply-all' | 'forward';

/** The mail that is answered. */
export interface Answered {
  readonly from: readonly Address[];
  readonly replyTo: readonly Address[];
  readonly to: readonly Address[];
  readonly cc: readonly Address[];
  /** Sent by the very mailbox that answers. */
  readonly isOurs: boolean;
}

export interface AnswerRecipients {
  readonly to: readonly Address[];
  readonly cc: readonly Address[];
}

/**
 * Nobody twice, and not ourselves. An answer to our own mail goes where that went.
 * @param own the addresses of the mailbox, in lower case
 */
export const recipientsOf = (mode: AnswerMode, mail: Answered, own: ReadonlySet<string>): AnswerRecipients => {
  if (mode === 'forward') return { to: [], cc: [] };
  const authors = mail.replyTo.length > 0 ? mail.replyTo : mail.from;
  if (mail.isOurs) return { to: unique(mail.to, new Set()), cc: mode === 'reply' ? [] : unique(mail.cc, keysOf(mail.to)) };
  if (mode === 'reply') return { to: unique(authors, new Set()), cc: [] };
  const to = unique([...authors, ...mail.to], own);
  // A mail to ourselves alone is answered to ourselves.
  return { to: to.length > 0 ? to : unique(authors, new Set()), cc: unique(mail.cc, new Set([...own, ...keysOf(to)])) };
};

const keyOf = ({ email }: Address): string => email.toLowerCase();
const keysOf = (people: readonly Address[]): ReadonlySet<string> => new Set(people.map(keyOf));

const unique = (people: readonly Address[], without: ReadonlySet<string>): readonly Address[] => {
  const seen = new Set(without);
  return people.filter((one) => {
    const key = keyOf(one);
    if (one.email === '' || seen.has(key)) return false;
    seen.add(key);
    return true;
  });
};

/** By language: what may stand there, and (first) what is written. Those without words of their own write English ones. */
const WORDS: readonly { readonly reply: readonly string[]; readonly forward: readonly string[] }[] = [
  { reply: ['Re'], forward: ['Fwd', 'Fw'] },
  { reply: ['RE', 'Rép', 'Rep', 'Réf', 'Ref'], forward: ['TR'] },
  { reply: ['AW'], forward: ['WG'] },
  { reply: ['Antw', 'Antwoord', 'Betr'], forward: ['Doorst'] },
  { reply: ['SV', 'VS'], forward: ['VB', 'VL', 'Vid'] },
  { reply: ['R', 'Rif'], forward: ['I', 'Inoltra'] },
  { reply: ['RES', 'RE'], forward: ['RV', 'ENC'] },
  { reply: ['Odp'], forward: ['PD'] },
  { reply: ['YNT'], forward: ['İLT', 'ILT'] },
  { reply: ['Vá'], forward: ['Továbbítás'] },
  { reply: ['ΑΠ', 'ΣΧΕΤ'], forward: ['ΠΡΘ'] },
  { reply: ['Ответ', 'Отв', 'На'], forward: ['Переслано'] },
  { reply: ['回复', '答复'], forward: ['转发'] },
  { reply: ['回覆', '答覆'], forward: ['轉寄', '轉發'] },
  { reply: ['返信'], forward: ['転送'] },
  { reply: ['회신', '답장'], forward: ['전달'] },
];

/** In the words of the subject itself: who was written to with `AW:` is answered with `AW:`, and forwarded with `WG:`. None stands there twice. */
export const answerSubject = (mode: AnswerMode, subject: string): string => {
  const kind = mode === 'forward' ? 'forward' : 'reply';
  const first = prefixOf(subject);
  const spoken = first === null ? undefined : WORDS.find(({ reply, forward }) => isOne(first.word, [...reply, ...forward]));
  const [word = 'Re'] = (spoken ?? WORDS[0])?.[kind] ?? [];
  let rest = subject.trim();
  for (let prefix = first; prefix !== null && isOfKind(prefix.word, kind); prefix = prefixOf(rest)) rest = prefix.rest;
  return `${word}: ${rest}`.trim();
};

const lower = (word: string): string => word.toLowerCase().normalize('NFC');
const isOne = (word: string, words: readonly string[]): boolean => words.some((known) => lower(known) === lower(word));
const isOfKind = (word: string, kind: 'reply' | 'forward'): boolean => WORDS.some((language) => isOne(word, language[kind]));

/** `References` of an answer: all that came before it, oldest first (RFC 5322 §3.6.4). */
export const referencesOf = (parent: {
  readonly messageId: string | null;
  readonly inReplyTo: readonly string[];
  readonly references: readonly string[];
}): readonly string[] => {
  const [only, ...more] = parent.inReplyTo;
  const before = parent.references.length > 0 ? parent.references : only === undefined || more.length > 0 ? [] : [only];
  const all = [...new Set([...before, ...(parent.messageId === null ? [] : [parent.messageId])])];
  return all.length <= MOST_REFERENCES ? all : [...all.slice(0, 1), ...all.slice(all.length - MOST_REFERENCES + 1)];
};

/** The beginning of a conversation and its latest mails are what programs look for. */
const MOST_REFERENCES = 100;
