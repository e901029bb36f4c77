/** What is known of a mail that came in and is answered without anybody writing. */
import type { BlobId, MailboxId } from '@tidings/contracts/ids';
import { address, addressKey } from '@tidings/domain/address/index';
import { normaliseAddress } from '@tidings/domain/mail/address';
import { bodyStart, fieldsOf } from '@tidings/infra/mime/head';
import * as E from 'fp-ts/lib/Either.js';
import type { Platform } from '../../../platform/src/platform.ts';

const MOST_HEAD_BYTES = 256 * 1024;

/** The header as it was received, without the empty line behind it. @throws BlobNotFound, BlobStoreUnavailable */
export const headIn = async ({ blobs }: Pick<Platform, 'blobs'>, id: BlobId): Promise<Uint8Array> => {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of (await blobs.get(id)) as AsyncIterable<Buffer>) {
    pieces.push(piece);
    size += piece.byteLength;
    if (size >= MOST_HEAD_BYTES) break;
  }
  const start = Buffer.concat(pieces);
  return start.subarray(0, bodyStart(start));
};

/** By name in lower case; of several the last. */
export const headersIn = (head: Uint8Array): ReadonlyMap<string, string> =>
  new Map(
    [...fieldsOf(head)].flatMap((field) => {
      const [, name = '', value = ''] = /^([!-9;-~]{1,100})[ \t]*:([\s\S]*)$/.exec(Buffer.from(field).toString('latin1')) ?? [];
      return name === '' ? [] : [[name.toLowerCase(), value.trim()] as const];
    }),
  );

/** Whether an address is the mailbox's now. */
export const isOwn = async ({ commands }: Pick<Platform, 'commands'>, mailboxId: MailboxId, written: string): Promise<boolean> => {
  const normal = normaliseAddress(written);
  if (E.isLeft(normal)) return false;
  const { state } = await commands.load(address, addressKey(normal.right));
  return state.kind === 'claimed' && state.mailboxId === mailboxId;
};
