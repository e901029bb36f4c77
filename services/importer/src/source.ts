/** Where an import's mails come from, batch by batch, and from where it can go on. */
import type { ImportError, ImportFolder } from '@tidings/contracts/events/import';
import type { KnownMail } from '@tidings/domain/import/index';

/** A mail as it went over the wire. */
export interface SourceMail {
  /** The same on every run of the import, and no other mail's. */
  readonly id: string;
  /** Where it lies, for people. */
  readonly place: string;
  readonly raw: Buffer;
  /** When it came to where it was, in milliseconds; null when nobody knows. */
  readonly at: number | null;
  readonly known: KnownMail;
}
/** One that cannot be read. */
export interface LostMail {
  readonly id: string;
  readonly place: string;
  readonly reason: string;
}

export interface Batch {
  readonly mails: readonly (SourceMail | LostMail)[];
  /** Where to go on behind it. */
  readonly next: number;
  readonly folders: readonly ImportFolder[];
}

export interface Source {
  readonly total: number | null;
  /** From where it was opened. @throws SourceFailed */
  readonly batches: (signal: AbortSignal) => AsyncGenerator<Batch>;
  readonly close: () => Promise<void>;
}

/** Trying again does not help, or not soon: the import says why. */
export class SourceFailed extends Error {
  override readonly name = 'SourceFailed';
  readonly error: ImportError;
  constructor(error: ImportError, cause?: unknown) {
    super(error.message, { cause });
    this.error = error;
  }
}

/** Mails and bytes of a batch: some commits to each, and little in memory. */
export const BATCH_MAILS = 240;
export const BATCH_BYTES = 16 * 1024 * 1024;
/** A mail that is larger is counted among the failed. */
export const LARGEST_MAIL = 100 * 1024 * 1024;
export const TOO_LARGE = `larger than ${LARGEST_MAIL / 1024 / 1024} MiB`;

export const isLost = <A extends object>(mail: A | LostMail): mail is LostMail => 'reason' in mail;
