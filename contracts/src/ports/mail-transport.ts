/** Carrying a mail to a server that takes it: direct to the domain's exchangers, or by a relay (mail-contract §7). */

/** One mail on its way to recipients that share a route. */
export interface OutgoingMail {
  /** The return path; empty for the null sender (RFC 5321 §4.5.5). */
  readonly from: string;
  /** Each once, as written; domains are taken in any case and form. */
  readonly recipients: readonly string[];
  readonly size: number;
  /** It holds bytes above 127 (RFC 6152). */
  readonly eightBit: boolean;
  /** Its header holds letters beyond ASCII as they are, which only some servers take (RFC 6531 §3.1). */
  readonly utf8Header: boolean;
  /** Told to the server, and by it in bounces (RFC 3461 ENVID). */
  readonly envelopeId: string;
  /** The whole message with CRLF line ends, from its start each time it is asked for. */
  readonly bytes: () => AsyncIterable<Uint8Array>;
}

export type Transmission =
  | { readonly type: 'delivered'; readonly host: string; readonly tls: string | null; readonly reply: string }
  /** `later`: worth another try. */
  | { readonly type: 'refused'; readonly later: boolean; readonly host: string | null; readonly reply: string }
  /** All bytes were sent and no reply came: it may have been taken. */
  | { readonly type: 'unknown'; readonly host: string; readonly reply: string }
  /** `begin` said no. */
  | { readonly type: 'withheld' };

/**
 * Asked right before a server gets the bytes, with the recipients that it accepted: none goes out before it has resolved. False withholds the mail
 * from all of them.
 */
export type Begin = (host: string, accepted: readonly string[]) => Promise<boolean>;

export interface MailTransport {
  /**
   * What mails must have in common to go in one transmission: an exchanger's domain, or a relay. Also what concurrency is counted by.
   * @param domain lower case, in its ACE form
   */
  route(domain: string): string;
  /**
   * Sends to all recipients, which share a route. Never rejects for what a peer does: each recipient has an entry in the answer.
   * @throws what `begin` throws, and what `bytes` throws; nobody has got the mail then
   */
  send(mail: OutgoingMail, begin: Begin): Promise<ReadonlyMap<string, Transmission>>;
  /** Connections end; what is under way is broken off, and its outcome told. */
  close(): Promise<void>;
}

/** The first line of a reply may begin with one (RFC 2034): `550 5.1.1 …`. */
export const enhancedCodeOf = (reply: string): string | null => /^[245]\d\d[ -]([245]\.\d{1,3}\.\d{1,3})\b/.exec(reply)?.[1] ?? null;
