/** What a backup holds: `manifest.json`, written last. Without it a folder is no backup. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decode } from '@tidings/contracts/codec';
import { Timestamp } from '@tidings/contracts/time';
import { isLeft } from 'fp-ts/lib/Either.js';
import * as t from 'io-ts';

export const FORMAT = 1;

const Manifest = t.type({
  format: t.literal(FORMAT),
  takenAt: Timestamp,
  /** Major version: files of one are not read by another. */
  postgres: t.string,
  /** Where the log ended when it was taken, at least. */
  events: t.number,
  blobs: t.union([t.literal('postgres'), t.literal('folder'), t.literal('s3')]),
  folders: t.readonlyArray(t.string),
  files: t.readonlyArray(t.type({ path: t.string, bytes: t.number, sha256: t.string })),
});
export type Manifest = t.TypeOf<typeof Manifest>;

/** There is no backup, or it is not whole. The message says which. */
export class BackupFailed extends Error {
  override readonly name = 'BackupFailed';
}

const fileIn = (folder: string): string => join(folder, 'manifest.json');

export const writeManifest = (folder: string, manifest: Manifest): Promise<void> =>
  writeFile(fileIn(folder), `${JSON.stringify(manifest, null, 1)}\n`, { mode: 0o600, flush: true });

/** @throws BackupFailed */
export const readManifest = async (folder: string): Promise<Manifest> => {
  const text = await readFile(fileIn(folder), 'utf8').catch(() => {
    throw new BackupFailed(`${folder} holds no backup: it has no manifest.json`);
  });
  const read = decode(Manifest, JSON.parse(text));
  if (isLeft(read))
    throw new BackupFailed(
      `${fileIn(folder)} is not of this version of Tidings: ${read.left.map(({ path, message }) => `${path} ${message}`).join('; ')}`,
    );
  return read.right;
};
