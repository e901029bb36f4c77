/** The bytes of one part, for a download: transfer encoding undone, charset as it was sent. */
import { finished } from 'node:stream/promises';
import { Splitter, type MimeNode, type SplitterChunk } from '@zone-eu/mailsplit';
import { tame } from './head.ts';
import { splitting, unsplitBody } from './tree.ts';

/** Null when the mail has no such part. Ids are those that `readMail` gave. */
export const readPart = async (raw: Uint8Array, partId: string): Promise<Uint8Array | null> => {
  const mail = tame(raw);
  const ids = new Map<MimeNode, string>();
  const children = new Map<MimeNode, number>();
  const pieces: Buffer[] = [];
  let decoder: ReturnType<MimeNode['getDecoder']> | null = null;
  let target: MimeNode | null = null;

  const splitter = new Splitter(splitting);
  splitter.on('data', (chunk: SplitterChunk) => {
    if (chunk.type === 'node') {
      const id = idOf(chunk, ids, children);
      ids.set(chunk, id);
      if (id !== partId || isMultipart(chunk)) return;
      target = chunk;
      decoder = chunk.getDecoder();
      decoder.on('data', (piece: Buffer) => pieces.push(piece));
    } else if (chunk.type === 'body' && chunk.node === target) {
      decoder?.write(chunk.value);
    }
  });
  splitter.end(mail);
  // A limit ends the reading early, as it did when the mail was read: the part may stand before it.
  await finished(splitter).catch(() => undefined);
  // What the listener assigned is invisible to the compiler's flow analysis.
  const found = decoder as ReturnType<MimeNode['getDecoder']> | null;
  if (found === null) return partId === '1' ? unsplitBody(mail) : null;
  found.end();
  await finished(found);
  return Buffer.concat(pieces);
};

const isMultipart = (node: MimeNode): boolean => node.multipart !== false;

/** As `tree.ts` counts: the path below the root, `1` for a root that is no multipart. */
const idOf = (node: MimeNode, ids: ReadonlyMap<MimeNode, string>, children: Map<MimeNode, number>): string => {
  const parent = node.parentNode;
  if (parent === false || parent === undefined || parent === null) return isMultipart(node) ? '' : '1';
  const nth = (children.get(parent) ?? 0) + 1;
  children.set(parent, nth);
  const prefix = ids.get(parent) ?? '';
  return prefix === '' ? String(nth) : `${prefix}.${nth}`;
};
