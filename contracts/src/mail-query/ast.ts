/** What a search in mail asks for (mail-contract §6), as `parse.ts` understands it and `print.ts` writes it. Says nothing of any engine. */
import type { View } from '../http/mail-objects.ts';
import type { Timestamp } from '../time.ts';

export type MailQuery =
  /** Each of them; two or more, none of which is an `all` itself. */
  | { readonly kind: 'all'; readonly of: readonly MailQuery[] }
  /** At least one of them; two or more, none of which is an `any` itself. */
  | { readonly kind: 'any'; readonly of: readonly MailQuery[] }
  | { readonly kind: 'not'; readonly query: MailQuery }
  | MailCondition;

export type MailCondition =
  | TextCondition
  | PersonCondition
  | { readonly kind: 'attachment' }
  | { readonly kind: 'in'; readonly view: View }
  /** By its whole name; the labels below it count as well. */
  | { readonly kind: 'label'; readonly name: string }
  | { readonly kind: 'is'; readonly state: MailState }
  | { readonly kind: 'date'; readonly bound: 'before' | 'after' | 'on'; readonly when: When }
  | { readonly kind: 'size'; readonly bound: 'larger' | 'smaller'; readonly bytes: number };

/** The words of `text` one behind the other, as they were typed: engines fold them (docs/decisions/030). */
export interface TextCondition {
  readonly kind: 'text';
  /** `any`: subject, people, body or names of files. */
  readonly field: 'any' | 'subject' | 'body' | 'filename';
  readonly text: string;
  /** As they stand, because they were in quotes: no other endings, no longer words. */
  readonly exact: boolean;
}

export interface PersonCondition {
  readonly kind: 'person';
  /** `to` is whoever it went to: To, Cc and Bcc. */
  readonly role: 'from' | 'to' | 'cc' | 'bcc';
  /** `ada@example.org` is that address, `@example.org` that domain, anything else a part of name or address. */
  readonly value: string;
}

/** `read` and `unread` are of incoming mail; what we sent is always read. The others are of the whole thread. */
export type MailState = 'read' | 'unread' | 'starred' | 'unassigned' | 'assigned-to-me';

/** In UTC. */
export type When =
  /** `2026`, `2026-03` or `2026-03-01`. */
  | { readonly type: 'period'; readonly text: string }
  | { readonly type: 'instant'; readonly at: Timestamp }
  /** So long before the question is asked. */
  | { readonly type: 'ago'; readonly count: number; readonly unit: Unit };
export type Unit = 'd' | 'w' | 'm' | 'y';

/** What keeps a query from being understood. Offsets are in UTF-16 units of what was typed. */
export interface QueryFault {
  readonly offset: number;
  readonly length: number;
  /** Behind the word `expected`. */
  readonly expected: string;
}
