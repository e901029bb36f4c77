/** Emails with their texts, which filing decoded and sanitised once and keeps as a blob. The last ones read stay in memory. */
import type { Email } from '@tidings/contracts/http/mail-objects';
import type { BlobId } from '@tidings/contracts/ids';
import type { BlobStore } from '@tidings/contracts/ports/blob-store';
import { decode } from '@tidings/contracts/codec';
import { emailView, type HeldEmail } from '@tidings/projections/emails/index';
import { resolvePartLinks } from '@tidings/infra/mime/mime';
import { either as E } from 'fp-ts';
import * as t from 'io-ts';
import { LRUCache } from 'lru-cache';

export interface BodyReader {
  readonly email: (held: HeldEmail) => Promise<Email>;
  /** As many of them, from the first, as keep an answer within bounds; at least one if there is one. */
  readonly emails: (held: readonly HeldEmail[]) => Promise<readonly Email[]>;
}

/** What `services/filing` stores behind `bodyBlobId`. */
const StoredBodies = t.type({
  version: t.literal(1),
  bodies: t.record(t.string, t.readonly(t.type({ value: t.string, isTruncated: t.boolean }))),
});
interface Bodies {
  readonly values: Email['bodyValues'];
  readonly bytes: number;
}

const REMEMBERED_BYTES = 64 * 1024 * 1024;
const PAGE_BYTES = 8 * 1024 * 1024;

export const createBodyReader = (blobs: BlobStore): BodyReader => {
  const remembered = new LRUCache<BlobId, Bodies>({
    maxSize: REMEMBERED_BYTES,
    sizeCalculation: ({ bytes }) => Math.max(1, bytes),
    fetchMethod: async (id) => bodiesIn(await blobs.read(id)),
  });
  const read = async (held: HeldEmail): Promise<Bodies> => {
    if (held.content === null) return NOTHING; // erased: the texts are not shown either, while their blob waits to be removed
    const bodies = await remembered.fetch(held.bodyBlobId);
    return bodies ?? bodiesIn(await blobs.read(held.bodyBlobId)); // too large to be remembered
  };
  const shown = (held: HeldEmail, { values }: Bodies): Email => emailView(held, withLinks(held, values));

  return {
    email: async (held) => shown(held, await read(held)),
    emails: async (held) => {
      const emails: Email[] = [];
      let bytes = 0;
      for (const one of held) {
        const bodies = await read(one);
        bytes += bodies.bytes;
        if (emails.length > 0 && bytes > PAGE_BYTES) break;
        emails.push(shown(one, bodies));
      }
      return emails;
    },
  };
};

const NOTHING: Bodies = { values: {}, bytes: 0 };

const bodiesIn = (stored: Buffer): Bodies => {
  const decoded = decode(StoredBodies, JSON.parse(stored.toString('utf8')));
  if (E.isLeft(decoded))
    throw new Error(`stored bodies cannot be read: ${decoded.left.map(({ path, message }) => `${path} ${message}`).join('; ')}`);
  return { values: decoded.right.bodies, bytes: stored.byteLength };
};

/** Images inside the mail point at parts of this very email. Only sanitised HTML has such links; text is left as it is. */
const withLinks = ({ emailId, content }: HeldEmail, values: Email['bodyValues']): Email['bodyValues'] => {
  const html = new Set(
    [...(content?.htmlBody ?? []), ...(content?.textBody ?? [])].filter(({ type }) => type === 'text/html').map(({ partId }) => partId),
  );
  return Object.fromEntries(
    Object.entries(values).map(([partId, body]) => [
      partId,
      html.has(partId) ? { ...body, value: resolvePartLinks(body.value, emailId) } : body,
    ]),
  );
};
