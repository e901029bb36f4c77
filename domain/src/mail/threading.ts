/**
 * Which thread of a mailbox an email belongs to (mail-contract §5). One function for SMTP, import and API: the caller looks up what the
 * mailbox holds, this decides.
 */
import type { EmailId, ThreadId } from '@tidings/contracts/ids';
import { baseSubject } from './base-subject.ts';

/** What its headers say. Message-IDs are compared as they are written, without angle brackets (RFC 5322 §3.6.4). */
export interface ThreadingHeaders {
  readonly messageId: string | null;
  readonly inReplyTo: readonly string[];
  /** Oldest first, as the header has them. */
  readonly references: readonly string[];
  readonly subject: string;
}

/** What the mailbox holds already, as far as it matters for one email; each list in the order in which it was filed. */
export interface Candidates {
  /** Emails whose Message-ID is one of `namedIds`. */
  readonly named: readonly (HeldRelative & { readonly messageId: string })[];
  /** Emails that name this email's Message-ID: they came before the one that they answer. */
  readonly naming: readonly (HeldRelative & { readonly inReplyTo: boolean })[];
}

export interface HeldRelative {
  readonly emailId: EmailId;
  readonly threadId: ThreadId;
  readonly baseSubject: string;
}

export type ThreadChoice =
  /** `relative` is the email for whose sake: where it went on meanwhile, its replies go too. */
  | {
      readonly type: 'join';
      readonly threadId: ThreadId;
      readonly relative: EmailId;
      readonly by: 'in-reply-to' | 'references' | 'late-original';
    }
  | { readonly type: 'new' };

/** A Message-ID as we compare it: without angle brackets and white space. */
export const normaliseMessageId = (id: string): string => id.trim().replace(/^<|>$/g, '').trim();

/** The Message-IDs to look up, the strongest first, each once. */
export const namedIds = (mail: ThreadingHeaders): readonly string[] => {
  const own = mail.messageId === null ? null : normaliseMessageId(mail.messageId);
  const ids = [...mail.inReplyTo, ...mail.references.toReversed()].map(normaliseMessageId);
  return [...new Set(ids)].filter((id) => id !== '' && id !== own);
};

export const chooseThread = (mail: ThreadingHeaders, { named, naming }: Candidates): ThreadChoice => {
  const subject = baseSubject(mail.subject);
  const hasSubject = (held: { readonly baseSubject: string }): boolean => held.baseSubject === subject;
  const byId = Map.groupBy(named, ({ messageId }) => normaliseMessageId(messageId));
  const inReplyTo = new Set(mail.inReplyTo.map(normaliseMessageId));
  const ids = namedIds(mail);

  // (2) a direct reply belongs to what it answers, even when its writer changed the subject
  for (const id of ids.filter((each) => inReplyTo.has(each))) {
    const held = byId.get(id);
    // a Message-ID that was used twice: prefer the one with our subject
    const answered = held?.find(hasSubject) ?? held?.[0];
    if (answered !== undefined) return joining(answered, 'in-reply-to');
  }

  // (3) the nearest relative with the same subject: a new subject with old References is a new conversation
  for (const id of ids.filter((each) => !inReplyTo.has(each))) {
    const relative = byId.get(id)?.find(hasSubject);
    if (relative !== undefined) return joining(relative, 'references');
  }

  // late original: its replies are here already and are bound to it by the same two rules
  const reply = naming.find((held) => held.inReplyTo) ?? naming.find(hasSubject);
  if (reply !== undefined) return joining(reply, 'late-original');

  return { type: 'new' };
};

type Join = Extract<ThreadChoice, { readonly type: 'join' }>;
const joining = ({ threadId, emailId: relative }: HeldRelative, by: Join['by']): Join => ({ type: 'join', threadId, relative, by });
