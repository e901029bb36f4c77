/** Emails with their texts, which filing decoded and sanitised once and keeps as a blob. The last ones read stay in memory. */
import type { Part } from '@tidings/contracts/events/email';
import type { Email } from '@tidings/contracts/http/mail-objects';
import type { BlobId, EmailId } from '@tidings/contracts/ids';
import { receiptAnswersOf } from '@tidings/projections/answers/index';
import { deliveriesOf, deliveryView } from '@tidings/projections/deliveries/index';
import { emailView, type HeldEmail, type ReceiptAnswer } from '@tidings/projections/emails/index';
import { readBodies, resolvePartLinks, type StoredBodies, withRemoteImages } from '@tidings/infra/mime/mime';
import { LRUCache } from 'lru-cache';
import type { Platform } from '../../../platform/src/platform.ts';
import type { ImageLinks } from './image-links.ts';

export interface BodyReader {
  readonly email: (held: HeldEmail) => Promise<Email>;
  /** As many of them, from the first, as keep an answer within bounds; at least one if there is one. */
  readonly emails: (held: readonly HeldEmail[]) => Promise<readonly Email[]>;
  /** Attachments first; none once the email is erased. */
  readonly parts: (held: HeldEmail) => Promise<readonly Part[]>;
}

const REMEMBERED_BYTES = 64 * 1024 * 1024;
const PAGE_BYTES = 8 * 1024 * 1024;

/** @param images makes links for pictures from elsewhere; null: they are held back */
export const createBodyReader = (
  { blobs, read: models, liveSchema }: Pick<Platform, 'blobs' | 'read' | 'liveSchema'>,
  images: ImageLinks | null,
): BodyReader => {
  const remembered = new LRUCache<BlobId, StoredBodies>({
    maxSize: REMEMBERED_BYTES,
    sizeCalculation: ({ bytes }) => Math.max(1, bytes),
    fetchMethod: (id) => readBodies(blobs, id),
  });
  /** Null once the email is erased: its texts are not shown either, while their blob waits to be removed. */
  const read = async (held: HeldEmail): Promise<StoredBodies | null> => {
    if (held.content === null) return null;
    const bodies = await remembered.fetch(held.bodyBlobId);
    return bodies ?? readBodies(blobs, held.bodyBlobId); // too large to be remembered
  };

  /** By email, as the mailbox that holds it may see them. */
  const deliveriesFor = async (held: readonly HeldEmail[]): Promise<(one: HeldEmail) => Email['deliveries']> => {
    const sent = held.filter(({ direction }) => direction === 'out').map(({ emailId }) => emailId);
    const found = sent.length === 0 ? [] : await models.any(deliveriesOf(liveSchema('deliveries'), sent));
    const byEmail = Map.groupBy(found, ({ emailId }) => emailId);
    return ({ emailId, mailboxId }) => (byEmail.get(emailId) ?? []).flatMap((row) => deliveryView(row, mailboxId));
  };

  /** Few mails ask, so nearly none is looked up. */
  const receiptFor = async ({ emailId, mailboxId }: HeldEmail, stored: StoredBodies | null): Promise<ReceiptAnswer> => {
    if (stored?.details.receiptTo === undefined) return null;
    const found = await models.any(receiptAnswersOf(liveSchema('answers'), [emailId]));
    return found.find((one) => one.mailboxId === mailboxId)?.answer ?? null;
  };

  return {
    email: async (held) => {
      const [bodies, deliveries] = await Promise.all([read(held), deliveriesFor([held])]);
      return shown(held, bodies, images, { deliveries: deliveries(held), receipt: await receiptFor(held, bodies) });
    },
    emails: async (held) => {
      const deliveries = await deliveriesFor(held);
      const emails: Email[] = [];
      let bytes = 0;
      for (const one of held) {
        const bodies = await read(one);
        bytes += bodies?.bytes ?? 0;
        if (emails.length > 0 && bytes > PAGE_BYTES) break;
        emails.push(await shown(one, bodies, images, { deliveries: deliveries(one), receipt: await receiptFor(one, bodies) }));
      }
      return emails;
    },
    parts: async (held) => {
      const bodies = await read(held);
      return bodies === null ? [] : [...bodies.details.attachments, ...bodies.details.htmlBody, ...bodies.details.textBody];
    },
  };
};

const shown = async (
  held: HeldEmail,
  stored: StoredBodies | null,
  images: ImageLinks | null,
  { deliveries, receipt }: { readonly deliveries: Email['deliveries']; readonly receipt: ReceiptAnswer },
): Promise<Email> => {
  if (stored === null) return emailView(held, null, deliveries);
  const linkOf = (await images?.for(held.mailboxId)) ?? null;
  return emailView(held, { details: stored.details, bodyValues: withLinks(held.emailId, stored, linkOf) }, deliveries, receipt);
};

/**
 * Images inside the mail point at parts of this very email, those from elsewhere at where they are fetched, if they are. Only sanitised HTML has such
 * links; text is left as it is.
 */
const withLinks = (email: EmailId, { details, bodies }: StoredBodies, linkOf: ((url: string) => string) | null): Email['bodyValues'] => {
  const html = new Set([...details.htmlBody, ...details.textBody].filter(({ type }) => type === 'text/html').map(({ partId }) => partId));
  return Object.fromEntries(
    Object.entries(bodies).map(([partId, body]) => [
      partId,
      html.has(partId) ? { ...body, ...withRemoteImages(resolvePartLinks(body.value, email), linkOf) } : body,
    ]),
  );
};
