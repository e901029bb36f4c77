/** Senders that a mailbox takes no mail from: an address, or a domain with all below it. */
import * as E from 'fp-ts/lib/Either.js';
import { domainOf, normaliseAddress, normaliseDomain } from '../mail/address.ts';
import type { State } from './state.ts';

/** The form in which it is kept and compared; null for what is neither an address nor a domain. */
export const blockableSender = (written: string): string | null => {
  const text = written.trim();
  if (!text.includes('@')) return normaliseDomain(text);
  return E.getOrElseW(() => null)(normaliseAddress(text));
};

/** The null sender is never blocked: it brings bounces of the mailbox's own mail (RFC 5321 §4.5.5). */
export const blocks = (state: State, mailFrom: string): boolean => {
  if (state.kind !== 'open' || state.blocked.size === 0) return false;
  const sender = normaliseAddress(mailFrom);
  if (E.isLeft(sender)) return false;
  if (state.blocked.has(sender.right)) return true;
  const labels = domainOf(sender.right).split('.');
  return labels.some((_, at) => state.blocked.has(labels.slice(at).join('.')));
};
