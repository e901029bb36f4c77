/**
 * Removing bytes that nobody refers to any more (docs/decisions/024). Whatever keeps the id of a blob in a read model is asked here: a new one
 * joins `inUse`, or its bytes may go with somebody else's.
 */
import type { BlobId, EmailId, MailboxId, UserId } from '@tidings/contracts/ids';
import { type Position, START } from '@tidings/contracts/ports/event-log';
import { email, emailKey } from '@tidings/domain/email/index';
import { blobsInDrafts } from '@tidings/projections/drafts/index';
import { blobsInMail } from '@tidings/projections/emails/index';
import { blobsInImports } from '@tidings/projections/imports/index';
import { blobsInMedia } from '@tidings/projections/media/index';
import { setTimeout as delay } from 'node:timers/promises';
import type { Platform } from './platform.ts';

/** Who does not count any more. */
export interface Leaving {
  readonly mailboxes: readonly MailboxId[];
  readonly uploader: UserId | null;
}

/** Read models or filing are too far behind to tell who uses what. Nothing was removed. */
export class NotCaughtUp extends Error {
  override readonly name = 'NotCaughtUp';
}

type Parts = Pick<Platform, 'log' | 'commands' | 'pool' | 'read' | 'liveSchema' | 'freshness' | 'blobs'>;

const BUDGET_MS = 10_000;
const ASK_AGAIN_MS = 25;

/**
 * Resolves seconds later. A mail that was accepted and is not filed yet counts as well: it is waited for.
 * @throws NotCaughtUp, BlobStoreUnavailable
 */
export const removeUnusedBlobs = async (parts: Parts, blobs: readonly BlobId[], leaving: Leaving): Promise<void> =>
  void (await parts.blobs.removeUnused(blobs, (ids) => inUse(parts, ids, leaving)));

const inUse = async (parts: Parts, blobs: readonly BlobId[], { mailboxes, uploader }: Leaving): Promise<ReadonlySet<BlobId>> => {
  await allFiled(parts);
  await caughtUp(parts, ['emails', 'media', 'drafts', 'imports']);
  const found = await Promise.all([
    parts.read.any(blobsInMail(parts.liveSchema('emails'), blobs, mailboxes)),
    parts.read.any(blobsInMedia(parts.liveSchema('media'), blobs, uploader)),
    parts.read.any(blobsInDrafts(parts.liveSchema('drafts'), blobs, mailboxes)),
    parts.read.any(blobsInImports(parts.liveSchema('imports'), blobs, mailboxes)),
    blobsOfWaiting(parts, mailboxes),
  ]);
  return new Set(found.flat().map(({ blobId }) => blobId));
};

/** Of mails that filing keeps waiting for a checker; few. */
const blobsOfWaiting = async ({ pool, commands }: Parts, except: readonly MailboxId[]): Promise<readonly { readonly blobId: BlobId }[]> => {
  const { rows } = await pool.query<{ emailId: EmailId }>(
    'select distinct email_id as "emailId" from filing.pending where mailbox_id <> all($1::uuid[])',
    [except],
  );
  const mails = await Promise.all(rows.map(({ emailId }) => commands.load(email, emailKey(emailId))));
  return mails.flatMap(({ state }) => (state.kind === 'received' ? [{ blobId: state.blobId }] : []));
};

/** @throws NotCaughtUp */
export const caughtUp = async ({ log, freshness }: Pick<Parts, 'log' | 'freshness'>, readModels: readonly string[]): Promise<void> => {
  for (const shard of log.shards) {
    if (!(await freshness.waitFor(await log.head(shard), readModels, BUDGET_MS))) throw new NotCaughtUp(readModels.join(', '));
  }
};

/** Every mail that was accepted until now is in its threads, or never will be. */
const allFiled = async ({ log, pool }: Parts): Promise<void> => {
  const deadline = performance.now() + BUDGET_MS;
  for (const shard of log.shards) {
    const head = await log.head(shard);
    while (await isMailBetween(log, shard, await filedUpTo(pool, shard), head)) {
      if (performance.now() > deadline) throw new NotCaughtUp('filing');
      await delay(ASK_AGAIN_MS);
    }
  }
};

/** Filing's own checkpoint, by primary key. */
const filedUpTo = async (pool: Parts['pool'], shard: number): Promise<Position> => {
  const { rows } = await pool.query<{ position: Position }>(
    "select position from projection.checkpoint where name = 'filing' and shard = $1",
    [shard],
  );
  return rows[0]?.position ?? START;
};

const isMailBetween = async (log: Parts['log'], shard: number, after: Position, upTo: Position): Promise<boolean> => {
  for (let from = after; from < upTo;) {
    const { events, next, atHead } = await log.readAll(shard, from, 1, { types: ['EmailReceived'] });
    const [mail] = events;
    if (mail !== undefined) return mail.position <= upTo;
    if (atHead) return false;
    from = next;
  }
  return false;
};
