/** What looks at a mail that came in before it is filed (mail-contract §4). */
import type { Authentication } from '../events/email.ts';

/** The peer that brought it, as SMTP knows it. */
export interface MailClient {
  readonly address: string;
  readonly helo: string;
  /** Empty: the null sender. */
  readonly mailFrom: string;
}

export interface MailAuthenticator {
  /** Says `none` for what cannot be told, in bounded time; never fails. */
  authenticate(raw: Uint8Array, client: MailClient): Promise<Authentication>;
  close(): Promise<void>;
}

/** `later`: the checker wants to see it again, and the mail waits. */
export type SpamFinding =
  | { readonly type: 'judged'; readonly spam: boolean; readonly score: number | null; readonly reasons: readonly string[] }
  | { readonly type: 'later'; readonly reason: string };

export interface SpamChecker {
  /** @throws CheckerUnavailable */
  check(
    raw: Uint8Array,
    mail: MailClient & { readonly recipients: readonly string[]; readonly id: string },
    signal: AbortSignal,
  ): Promise<SpamFinding>;
}

/** `unscanned`: the scanner never will, however often it is asked. */
export type VirusFinding =
  | { readonly type: 'clean' }
  | { readonly type: 'infected'; readonly name: string }
  | { readonly type: 'unscanned'; readonly reason: string };

export interface VirusScanner {
  /** @throws CheckerUnavailable */
  scan(raw: Uint8Array, signal: AbortSignal): Promise<VirusFinding>;
}

/** It does not answer, or not as its protocol says. The mail waits for it. */
export class CheckerUnavailable extends Error {
  override readonly name = 'CheckerUnavailable';
}
