/**
 * A file of mail laid out on disk, so that its mails can be read in the order they were sent in, again from any of them after a crash, and with as
 * little memory for a million as for one.
 */
import { createWriteStream } from 'node:fs';
import { mkdtemp, open, rm, stat, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ImportFormat } from '@tidings/contracts/events/import';
import { MailList, type ListedMail } from './mail-list.ts';
import { MboxSplitter, type MailRange } from './mbox-splitter.ts';
import { cameAtOf, sentAtOf } from './stored-mail.ts';
import { zipEntries, type ZipLimits } from './zip.ts';

export interface UnpackedMails {
  readonly count: number;
  /** The oldest first. */
  readonly mail: (nth: number) => ListedMail;
  /** As it is stored. */
  readonly read: (mail: ListedMail) => Promise<Buffer>;
  readonly close: () => Promise<void>;
}

export interface UnpackOptions {
  readonly format: ImportFormat;
  /** What the file is called: an mbox is often named after its folder. */
  readonly name: string | null;
  readonly zip: ZipLimits;
  readonly signal: AbortSignal;
}

/** Enough of a mail to find its date in. */
const HEAD = 16 * 1024;

/** @throws ZipRefused, what the source throws */
export const unpack = async (source: Readable, options: UnpackOptions): Promise<UnpackedMails> => {
  const folder = await mkdtemp(join(tmpdir(), 'tidings-import-'));
  const remove = () => rm(folder, { recursive: true, force: true });
  const list = new MailList();
  let file: FileHandle | null = null;
  try {
    const path = join(folder, 'mails');
    const { format, name, signal } = options;
    const folderOfName = basename(name ?? '').replace(/\.(mbox|mbx|eml|zip)$/i, '');
    if (format === 'zip') {
      const zip = join(folder, 'zip');
      await pipeline(source, createWriteStream(zip), { signal });
      file = await open(path, 'wx+', 0o600);
      await unzip(zip, file, list, options);
      await rm(zip);
    } else {
      file = await open(path, 'wx+', 0o600);
      list.begin({
        name: format === 'mbox' ? '' : (name ?? 'the file'),
        folder: format === 'mbox' ? folderOfName : '',
        inMbox: format === 'mbox',
      });
      const end = await append(file, 0, source, format === 'mbox', list, signal);
      if (format === 'eml') await listOne(file, 0, end, list);
    }
  } catch (error) {
    await file?.close();
    await remove();
    throw error;
  }
  const opened = file;
  return {
    count: list.count,
    mail: (nth) => list.inOrder(nth),
    read: async ({ start, length }) => {
      const bytes = Buffer.allocUnsafe(length);
      const { bytesRead } = await opened.read(bytes, 0, length, start);
      if (bytesRead !== length) throw new Error('a mail on disk is shorter than it was');
      return bytes;
    },
    close: async () => {
      await opened.close();
      await remove();
    },
  };
};

const unzip = async (zip: string, file: FileHandle, list: MailList, { zip: limits, signal }: UnpackOptions): Promise<void> => {
  let end = 0;
  for await (const entry of zipEntries(zip, (await stat(zip)).size, limits)) {
    signal.throwIfAborted();
    const kind = /\.(eml|mbox|mbx)$/i.exec(entry.path)?.[1]?.toLowerCase();
    // What macOS adds beside each file is none of ours, nor is anything that does not call itself mail.
    if (kind === undefined || entry.path.startsWith('__MACOSX/')) continue;
    const inMbox = kind !== 'eml';
    const folder = entry.path.replaceAll('\\', '/').replace(/\.[^./]+$/, '');
    list.begin({ name: entry.path, folder: inMbox ? folder : folder.split('/').slice(0, -1).join('/'), inMbox });
    const start = end;
    end = await append(file, start, await entry.read(), inMbox, list, signal);
    if (!inMbox) await listOne(file, start, end, list);
  }
};

/** @returns where the file ends then */
const append = async (
  file: FileHandle,
  at: number,
  source: Readable,
  inMbox: boolean,
  list: MailList,
  signal: AbortSignal,
): Promise<number> => {
  const splitter = new MboxSplitter();
  let end = at;
  const listAll = async (mails: readonly MailRange[]): Promise<void> => {
    for (const { start, end: behind, fromLine } of mails) {
      const came = cameAtOf(fromLine);
      list.add(at + start, behind - start, came ?? (await sentAt(file, at + start, behind - start)));
    }
  };
  for await (const piece of source as AsyncIterable<Buffer>) {
    signal.throwIfAborted();
    await file.write(piece, 0, piece.length, end);
    end += piece.length;
    if (inMbox) await listAll(splitter.push(piece));
  }
  if (inMbox) await listAll(splitter.end());
  return end;
};

const listOne = async (file: FileHandle, start: number, end: number, list: MailList): Promise<void> => {
  if (end > start) list.add(start, end - start, await sentAt(file, start, end - start));
};

const sentAt = async (file: FileHandle, start: number, length: number): Promise<number | null> => {
  const head = Buffer.allocUnsafe(Math.min(HEAD, length));
  const { bytesRead } = await file.read(head, 0, head.length, start);
  return sentAtOf(head.subarray(0, bytesRead));
};
