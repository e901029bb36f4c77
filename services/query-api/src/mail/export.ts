/** `GET /api/mailboxes/{mailboxId}/export`: thread after thread, a mail at a time, so that memory stays flat however much a mailbox holds. */
import type { Place } from '@tidings/contracts/events/thread';
import { exportMailbox } from '@tidings/contracts/http/imports';
import type { View } from '@tidings/contracts/http/mail-objects';
import type { LabelId, MailboxId } from '@tidings/contracts/ids';
import { BlobNotFound } from '@tidings/contracts/ports/blob-store';
import { msOf } from '@tidings/contracts/time';
import { mboxEntry } from '@tidings/infra/mail-files/mbox-writer';
import { emailsOfThread, type HeldEmail, type PlaceInThread } from '@tidings/projections/emails/index';
import { labelsOf, readThreads, THREAD_READS } from '@tidings/projections/thread-marks/index';
import { type ListedThread, threadsInView, type Walk } from '@tidings/projections/threads/index';
import type { FastifyInstance } from 'fastify';
import { Readable } from 'node:stream';
import { bytes } from '../../../http-kit/src/ctx.ts';
import { handle } from '../../../http-kit/src/handle.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { noSuchMailbox } from './access.ts';
import { assertMayOr } from './imports.ts';
import { placesOf } from './threads.ts';

const THREADS = 50;
const EMAILS = 50;

export const registerExport = (app: FastifyInstance, platform: Platform): void => {
  handle(
    app,
    platform,
    exportMailbox,
    async ({ actor, params: { mailboxId }, query: { view, label }, reply }) => {
      await assertMayOr(noSuchMailbox(), platform, actor, 'export', mailboxId);
      void reply.header('content-disposition', `attachment; filename="${mailboxId}.mbox"`);
      return bytes(Readable.from(mailsAsMbox(platform, mailboxId, view ?? null, label), { objectMode: false }), 'application/mbox');
    },
    { reads: ['mailboxes', 'emails', ...THREAD_READS] },
  );
};

/** Those of a view, or all there are (null); one mail at a time. */
export async function* mailsAsMbox(
  platform: Pick<Platform, 'read' | 'liveSchema' | 'blobs'>,
  mailboxId: MailboxId,
  only: View | null,
  label: LabelId | undefined,
): AsyncGenerator<Buffer> {
  // Together these hold every mail, and each once.
  const wanted: readonly View[] = only === null ? ['all', 'spam', 'trash'] : [only];
  for (const view of wanted) {
    for await (const page of threadPages(platform, mailboxId, view, label)) {
      const names = new Map<string, string>(
        (await platform.read.any(labelsOf(platform.liveSchema('thread-marks'), mailboxId))).map(({ id, name }) => [id, name]),
      );
      const shown = new Map((await readThreads(platform, page)).map((thread) => [thread.id, thread]));
      for (const { threadId, starred } of page) {
        const labels = (shown.get(threadId)?.labels ?? []).flatMap((id) => names.get(id) ?? []);
        for await (const email of emails(platform, mailboxId, threadId, placesOf[view])) {
          const raw = await rawOf(platform, email);
          if (raw !== null) yield entryOf(email, raw, starred, labels);
        }
      }
    }
  }
}

async function* threadPages(
  platform: Pick<Platform, 'read' | 'liveSchema'>,
  mailbox: MailboxId,
  view: View,
  label: LabelId | undefined,
): AsyncGenerator<readonly ListedThread[]> {
  const key = ({ keyAt, keyPosition }: ListedThread) => ({ at: keyAt, position: keyPosition });
  let walk: Walk | null = null;
  for (;;) {
    const page: readonly ListedThread[] = await platform.read.any(
      threadsInView(platform.liveSchema('threads'), { mailbox, view, unread: null, label, walk, limit: THREADS }),
    );
    const [first, last] = [page[0], page.at(-1)];
    if (first === undefined || last === undefined) return;
    yield page;
    if (page.length < THREADS) return;
    const { began }: Pick<Walk, 'began'> = walk ?? { began: key(first) };
    walk = { began, after: key(last) };
  }
}

async function* emails(
  platform: Pick<Platform, 'read' | 'liveSchema'>,
  mailbox: MailboxId,
  thread: ListedThread['threadId'],
  places: readonly Place[],
): AsyncGenerator<HeldEmail> {
  for (let after: PlaceInThread | null = null; ;) {
    const page: readonly HeldEmail[] = await platform.read.any(
      emailsOfThread(platform.liveSchema('emails'), { thread, mailbox, places, after, limit: EMAILS }),
    );
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < EMAILS) return;
    after = { at: last.cameAt, position: last.position };
  }
}

/** Null for one whose bytes were removed since. */
const rawOf = async ({ blobs }: Pick<Platform, 'blobs'>, { blobId }: HeldEmail): Promise<Buffer | null> => {
  try {
    return await blobs.read(blobId);
  } catch (error) {
    if (error instanceof BlobNotFound) return null;
    throw error;
  }
};

/** Gmail's words for places. */
const PLACES: Readonly<Record<Place, string>> = {
  inbox: 'Inbox',
  archive: 'Archived',
  spam: 'Spam',
  trash: 'Trash',
  sent: 'Sent',
  drafts: 'Drafts',
};

const entryOf = (email: HeldEmail, raw: Buffer, starred: boolean, labels: readonly string[]): Buffer => {
  const { place, seen, flagged, answered, forwarded, receivedAt, content } = email;
  const from = { from: content?.from[0]?.email ?? '', at: msOf(receivedAt) };
  const marks = [PLACES[place], ...(seen ? [] : ['Unread']), ...(starred ? ['Starred'] : []), ...labels];
  return mboxEntry(raw, from, { seen, flagged, answered, forwarded, draft: place === 'drafts', labels: marks });
};
