/**
 * Which mail is never answered by a machine (RFC 3834 §2, collaborative inbox §1.7). Two machines that answer each other never end, so what might be
 * one, or a list of people, gets nothing.
 */
import type { Authentication } from '@tidings/contracts/events/email';
import * as E from 'fp-ts/lib/Either.js';
import { localPartOf, normaliseAddress } from '../mail/address.ts';

export interface MailToAnswer {
  /** Where bounces go (RFC 5321 §4.4); empty is the null sender. */
  readonly returnPath: string;
  /** Its author, and where they want answers. */
  readonly authors: readonly string[];
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  /** To or Cc name the mailbox. */
  readonly isAddressedToUs: boolean;
  /** One of its authors, or its return path, is the mailbox itself. */
  readonly isFromUs: boolean;
  readonly verdict: Authentication['verdict'];
}

/** Null for a mail that may be answered. */
export type Guard = 'null-sender' | 'automatic' | 'bulk' | 'list' | 'suppressed' | 'no-person' | 'ourselves' | 'not-to-us' | 'forged';

export const guardOf = (mail: MailToAnswer): Guard | null => {
  const { returnPath, authors, headers, isAddressedToUs, isFromUs, verdict } = mail;
  if (returnPath === '') return 'null-sender';
  const automatic = headers.get('auto-submitted')?.trim().toLowerCase();
  if (automatic !== undefined && !/^no\b/.test(automatic)) return 'automatic';
  if (/^\s*(bulk|list|junk)\b/i.test(headers.get('precedence') ?? '')) return 'bulk';
  if ([...headers.keys()].some(isOfList)) return 'list';
  if ([...headers.keys()].some((name) => SUPPRESSING.has(name))) return 'suppressed';
  if (isMachine(returnPath) || authors.length === 0 || authors.some((author) => isMachine(author) || isNobody(author))) return 'no-person';
  if (isFromUs) return 'ourselves';
  if (!isAddressedToUs) return 'not-to-us';
  return verdict === 'forged' ? 'forged' : null;
};

/** RFC 2369, RFC 2919, and what mailings carry. */
const isOfList = (name: string): boolean => name.startsWith('list-') || name === 'feedback-id' || name === 'mailing-list';

const SUPPRESSING: ReadonlySet<string> = new Set([
  ...['x-auto-response-suppress', 'x-autoreply', 'x-autorespond', 'x-autoresponse', 'x-loop', 'x-mailer-daemon', 'x-failed-recipients'],
]);

const localOf = (address: string): string => {
  const normal = normaliseAddress(address);
  return E.isLeft(normal) ? '' : localPartOf(normal.right);
};

/** Names of programs (RFC 3834 §2, RFC 2142), also where they stand in return paths of lists. */
const isMachine = (address: string): boolean => {
  const local = localOf(address);
  return (
    local === '' ||
    /^(mailer-daemon|postmaster|root|listserv|majordomo|mdaemon|daemon)([-+.]|$)/.test(local) ||
    /^(no|do-?not|donot)[-_.]?reply([-+._]|$)/.test(local) ||
    /^(owner|bounces?)-|-(owner|request|bounces?)([+=]|$)/.test(local)
  );
};

/** Of return paths that would be wrong: every good one of ours, and of others, begins so. */
const isNobody = (author: string): boolean => /^bounces?([-+._]|$)/.test(localOf(author));
