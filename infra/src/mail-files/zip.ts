/**
 * The mails in a zip, without trusting it: entries are unpacked one after the other and counted as they come, so that neither their number nor
 * their size nor what they claim of it can fill memory or disk.
 */
import type { Readable } from 'node:stream';
import { open, type Entry, type ZipFile } from 'yauzl';

export interface ZipLimits {
  readonly entries: number;
  /** Of all of them, unpacked. */
  readonly bytes: number;
  /** Unpacked for each byte of the archive: mail is seldom packed to less than a tenth. */
  readonly ratio: number;
}

/** The archive is broken, or over a limit; the message says which, for people. */
export class ZipRefused extends Error {
  override readonly name = 'ZipRefused';
}

export interface ZipEntry {
  /** Its path in the archive. */
  readonly path: string;
  /** @throws ZipRefused, also while it is read */
  readonly read: () => Promise<Readable>;
}

/** In the order of the archive; folders are left out. The next one comes when the last was read or passed over. @throws ZipRefused */
export async function* zipEntries(path: string, packedBytes: number, limits: ZipLimits): AsyncGenerator<ZipEntry> {
  const zip = await opened(path);
  const budget = { left: Math.min(limits.bytes, Math.max(SMALL, packedBytes * limits.ratio)) };
  try {
    if (zip.entryCount > limits.entries) throw new ZipRefused(`it has more than ${limits.entries} entries`);
    for (let entry = await next(zip); entry !== null; entry = await next(zip)) {
      const { fileName } = entry;
      if (fileName.endsWith('/')) continue;
      const from = entry;
      yield {
        path: fileName,
        read: async () => {
          if ((from.generalPurposeBitFlag & 0x1) !== 0) throw new ZipRefused(`${fileName} is encrypted`);
          return counted(await stream(zip, from), budget);
        },
      };
    }
  } finally {
    zip.close();
  }
}

/** Whatever the ratio, so much may be unpacked: a few repeated mails pack very well. */
const SMALL = 64 * 1024 * 1024;

const opened = (path: string): Promise<ZipFile> =>
  new Promise((resolve, reject) => {
    open(path, { lazyEntries: true, autoClose: false, strictFileNames: false }, (error, zip) => {
      if (error === null) resolve(zip);
      else reject(refused(error));
    });
  });

const next = (zip: ZipFile): Promise<Entry | null> =>
  new Promise((resolve, reject) => {
    const done = (settle: () => void) => {
      zip.removeListener('entry', onEntry);
      zip.removeListener('end', onEnd);
      zip.removeListener('error', onError);
      settle();
    };
    const onEntry = (entry: Entry): void => done(() => resolve(entry));
    const onEnd = (): void => done(() => resolve(null));
    const onError = (error: Error): void => done(() => reject(refused(error)));
    zip.once('entry', onEntry).once('end', onEnd).once('error', onError);
    zip.readEntry();
  });

const stream = (zip: ZipFile, entry: Entry): Promise<Readable> =>
  new Promise((resolve, reject) => {
    zip.openReadStream(entry, (error, readable) => {
      if (error === null) resolve(readable);
      else reject(refused(error));
    });
  });

const counted = (source: Readable, budget: { left: number }): Readable => {
  source.on('data', (chunk: Buffer) => {
    budget.left -= chunk.length;
    if (budget.left < 0) source.destroy(new ZipRefused('it is far larger unpacked than mail would be'));
  });
  source.pause();
  return source;
};

const refused = (error: Error): ZipRefused => new ZipRefused(`it is no zip that can be read: ${error.message}`, { cause: error });
