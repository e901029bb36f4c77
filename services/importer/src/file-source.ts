/** Mails of a file: laid out on disk first, then read in the order they were sent in. */
import type { ImportSource } from '@tidings/contracts/events/import';
import { BlobNotFound, type BlobStore } from '@tidings/contracts/ports/blob-store';
import type { ListedMail } from '@tidings/infra/mail-files/mail-list';
import { wireMail } from '@tidings/infra/mail-files/stored-mail';
import { type UnpackedMails, unpack } from '@tidings/infra/mail-files/unpacked';
import { ZipRefused } from '@tidings/infra/mail-files/zip';
import { BATCH_BYTES, BATCH_MAILS, LARGEST_MAIL, type LostMail, type Source, SourceFailed, type SourceMail, TOO_LARGE } from './source.ts';

type FileSource = Extract<ImportSource, { readonly type: 'file' }>;

export interface FileOptions {
  readonly name: string | null;
  /** Mails dealt with already. */
  readonly from: number;
  readonly maxBytes: number;
  readonly signal: AbortSignal;
}

const MOST_ENTRIES = 2_000_000;
const RATIO = 100;

/** @throws SourceFailed, BlobStoreUnavailable */
export const openFile = async (blobs: BlobStore, { blobId, format }: FileSource, options: FileOptions): Promise<Source> => {
  const { name, from, maxBytes, signal } = options;
  const mails = await unpackOrFail(async () =>
    unpack(await blobs.get(blobId), { format, name, signal, zip: { entries: MOST_ENTRIES, bytes: maxBytes, ratio: RATIO } }),
  );
  if (mails.count === 0) {
    await mails.close();
    throw new SourceFailed({ code: 'file', field: 'file', message: 'There is no mail in this file.' });
  }
  return {
    total: mails.count,
    batches: async function* (ending) {
      for (let at = from; at < mails.count;) {
        const batch: (SourceMail | LostMail)[] = [];
        let bytes = 0;
        while (at < mails.count && batch.length < BATCH_MAILS && bytes < BATCH_BYTES) {
          ending.throwIfAborted();
          const mail = mails.mail(at);
          batch.push(await readOne(mails, mail, format !== 'zip'));
          bytes += Math.min(mail.length, LARGEST_MAIL);
          at += 1;
        }
        yield { mails: batch, next: at, folders: [] };
      }
    },
    close: mails.close,
  };
};

const readOne = async (mails: UnpackedMails, mail: ListedMail, isGuess: boolean): Promise<SourceMail | LostMail> => {
  const { nth, at, folder, place, inMbox } = mail;
  const id = String(nth);
  if (mail.length > LARGEST_MAIL) return { id, place, reason: TOO_LARGE };
  const { raw, noted } = wireMail(await mails.read(mail), inMbox);
  if (raw.length === 0) return { id, place, reason: 'there is nothing in it' };
  const { keywords: tags, ...flags } = noted;
  return { id, place, raw, at, known: { folder, use: [], isGuess, tags, ...flags } };
};

const unpackOrFail = async (work: () => Promise<UnpackedMails>): Promise<UnpackedMails> => {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ZipRefused)
      throw new SourceFailed({ code: 'file', field: 'file', message: `The file was refused: ${error.message}.` }, error);
    if (error instanceof BlobNotFound)
      throw new SourceFailed({ code: 'gone', field: 'file', message: 'The file is no longer there.' }, error);
    throw error;
  }
};
