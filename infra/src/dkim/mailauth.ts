/** Parts of mailauth that its own types leave out: how a message is read and put in the form that is signed (RFC 6376 §3.4). */
import { createRequire } from 'node:module';
import type { Writable } from 'node:stream';

export interface HeaderField {
  /** Lower case. */
  readonly key: string;
  readonly line: Buffer;
}
export interface SigningHeaderLines {
  readonly headers: readonly HeaderField[];
}
export type SignatureTags = Readonly<Record<string, string | number>>;

/** Takes a message, and calls in turn what a subclass makes of its parts. Line ends become CRLF. */
export interface Parser extends Writable {
  messageHeaders(headers: { readonly parsed: readonly HeaderField[] }): Promise<void>;
  /** Of the body. */
  nextChunk(chunk: Buffer): Promise<void>;
}

export interface SignatureOptions {
  readonly signingDomain: string;
  readonly selector: string;
  readonly algorithm: string;
  readonly canonicalization: string;
  readonly bodyHash: string;
  /** Seconds since the epoch. */
  readonly timestamp: number;
  readonly expiration: false;
}

const load = createRequire(import.meta.url);

// The types above are what mailauth 7.1 does; the tests of signing hold it to them.
export const { MessageParser } = load('mailauth/lib/dkim/message-parser.js') as { readonly MessageParser: new () => Parser };
export const { dkimBody } = load('mailauth/lib/dkim/body/index.js') as {
  readonly dkimBody: (
    canonicalization: 'relaxed',
    hash: 'sha256',
  ) => { readonly update: (chunk: Buffer) => void; readonly digest: (encoding: 'base64') => string };
};
export const { generateCanonicalizedHeader } = load('mailauth/lib/dkim/header/index.js') as {
  readonly generateCanonicalizedHeader: (
    type: 'DKIM',
    lines: SigningHeaderLines,
    options: SignatureOptions,
  ) => { readonly canonicalizedHeader: Buffer; readonly dkimHeaderOpts: SignatureTags };
};
export const { getSigningHeaderLines, formatSignatureHeaderLine } = load('mailauth/lib/tools.js') as {
  /** Of those that a signature covers by default. */
  readonly getSigningHeaderLines: (fields: readonly HeaderField[]) => SigningHeaderLines;
  readonly formatSignatureHeaderLine: (type: 'DKIM', tags: SignatureTags, folded: true) => string;
};
