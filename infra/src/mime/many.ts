/**
 * Mails read by the dozen: what goes to a worker thread and comes back is one message for all of them, since for a small mail that costs as much as
 * reading it. Bodies and details travel as the bytes that are stored.
 */
import type { MailContent } from './content.ts';
import type { ParsedMail } from './read-mail.ts';
import { bytesOfBodies } from './stored-bodies.ts';

/** As `ParsedMail`, ready to be kept. */
export interface ReadyMail {
  readonly content: MailContent;
  readonly opening: string;
  readonly contentHash: string;
  /** What `storeBodies` would store of it. */
  readonly stored: Uint8Array;
  readonly fault: string | null;
}

/** One after the other in memory that can be handed over whole. */
export interface Packed {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly lengths: readonly number[];
}

/** `ReadyMail`s with what they store behind each other. */
export interface ReadyMails {
  readonly mails: readonly Omit<ReadyMail, 'stored'>[];
  readonly stored: Packed;
}

export const pack = (all: readonly Uint8Array[]): Packed => {
  const lengths = all.map(({ byteLength }) => byteLength);
  const bytes = new Uint8Array(lengths.reduce((sum, length) => sum + length, 0));
  let at = 0;
  for (const one of all) {
    bytes.set(one, at);
    at += one.byteLength;
  }
  return { bytes, lengths };
};

export const unpack = ({ bytes, lengths }: Packed): readonly Uint8Array[] => {
  let at = 0;
  return lengths.map((length) => bytes.subarray(at, (at += length)));
};

export const ready = ({ content, details, opening, bodies, contentHash, fault }: ParsedMail): ReadyMail => ({
  ...{ content, opening, contentHash, fault },
  stored: bytesOfBodies({ details, bodies }),
});
