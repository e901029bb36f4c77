/** Addresses whose holder speaks for the whole domain. */
import { type EmailAddress, localPartOf } from '../mail/address.ts';

/**
 * Mail to these proves control of a domain to certificate authorities (CA/Browser Forum Baseline Requirements §3.2.2.4.4) or reports abuse and
 * faults to its operators (RFC 2142 §2, §4-§5), so only who manages the domain gives them to a mailbox.
 */
const TRUSTED: ReadonlySet<string> = new Set([
  'abuse',
  'admin',
  'administrator',
  'hostmaster',
  'mailer-daemon',
  'noc',
  'postmaster',
  'root',
  'security',
  'webmaster',
]);

export const speaksForDomain = (address: EmailAddress): boolean => TRUSTED.has(localPartOf(address));
