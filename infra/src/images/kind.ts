/** What a file is, by its first bytes and not by what its sender calls it. Runs in the image process only: detectors unpack archives. */
import { open } from 'node:fs/promises';
import { fileTypeFromFile } from 'file-type';

export const OCTETS = 'application/octet-stream';
/** Pictures that are encoded anew. */
const PICTURES: ReadonlySet<string> = new Set(['image/jpeg', 'image/png', 'image/apng', 'image/webp', 'image/gif', 'image/avif']);

export type Kind =
  | { readonly type: 'picture' }
  | { readonly type: 'file'; readonly mimeType: string }
  /** A picture that nobody here can decode, so that what it tells of its taker would stay in it. */
  | { readonly type: 'other-picture'; readonly mimeType: string };

export const kindOf = async (path: string): Promise<Kind> => {
  const mimeType = (await fileTypeFromFile(path))?.mime ?? ((await isText(path)) ? 'text/plain' : OCTETS);
  if (PICTURES.has(mimeType)) return { type: 'picture' };
  return { type: mimeType.startsWith('image/') ? 'other-picture' : 'file', mimeType };
};

/** UTF-8 without control characters, judged by its beginning. */
const isText = async (path: string): Promise<boolean> => {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(64 * 1024), 0, 64 * 1024, 0);
    // `stream`: a character may be cut in two by the end of the sample.
    const beginning = new TextDecoder('utf-8', { fatal: true }).decode(buffer.subarray(0, bytesRead), { stream: true });
    return bytesRead > 0 && !CONTROLS.test(beginning);
  } catch (error) {
    if (error instanceof TypeError) return false; // what a fatal decoder throws
    throw error;
  } finally {
    await file.close();
  }
};
// oxlint-disable-next-line no-control-regex -- they are what is looked for
const CONTROLS = /[\u0000-\u0008\u000e-\u001a\u001c-\u001f]/;
