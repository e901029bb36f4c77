/**
 * Removing bytes that nobody keeps any more (docs/decisions/024, 034). Who keeps what is told by the read model `blob-references`, which has it from
 * every event that names bytes.
 */
import type { BlobId } from '@tidings/contracts/ids';
import { type Position, START } from '@tidings/contracts/ports/event-log';
import { parkedStreams } from '@tidings/infra/projector/parking';
import { instances } from '@tidings/infra/projector/registry';
import { blobReferences, keptBlobs } from '@tidings/projections/blob-references/index';
import { setTimeout as delay } from 'node:timers/promises';
import type { Platform } from './platform.ts';

/** Read models or filing are too far behind to tell who uses what. Nothing was removed. */
export class NotCaughtUp extends Error {
  override readonly name = 'NotCaughtUp';
}

export type RemovalParts = Pick<Platform, 'log' | 'pool' | 'read' | 'liveSchema' | 'freshness' | 'blobs'>;

const BUDGET_MS = 10_000;
const ASK_AGAIN_MS = 25;

/**
 * At once, whoever put them a moment ago; resolves seconds later. A mail that was accepted and is not filed yet is waited for.
 * @throws NotCaughtUp, BlobStoreUnavailable
 */
export const removeUnusedBlobs = (parts: RemovalParts, blobs: readonly BlobId[]): Promise<readonly BlobId[]> =>
  parts.blobs.removeUnused(blobs, async (ids) => {
    await allFiled(parts);
    return keptOf(parts, ids);
  });

/** Those that somebody keeps, as the log has it now. @throws NotCaughtUp */
export const keptOf = async (parts: RemovalParts, ids: readonly BlobId[]): Promise<ReadonlySet<BlobId>> => {
  await referencesKnown(parts);
  return new Set((await parts.read.any(keptBlobs(parts.liveSchema(blobReferences.name), ids))).map(({ id }) => id));
};

/**
 * A stream that could not be applied may name bytes, and a build of another version may know of more that do.
 * @throws NotCaughtUp
 */
export const referencesKnown = async (parts: RemovalParts): Promise<void> => {
  await caughtUp(parts, [blobReferences.name]);
  const builds = await instances(parts.pool, blobReferences.name);
  const live = builds.find(({ state }) => state === 'live');
  if (live?.version !== blobReferences.version || builds.some(({ version }) => version > blobReferences.version))
    throw new NotCaughtUp(`${blobReferences.name} of this version is not the one that is read`);
  if ((await parkedStreams(parts.pool, live.schemaName)).length > 0) throw new NotCaughtUp(`${blobReferences.name} has parked streams`);
};

/** @throws NotCaughtUp */
export const caughtUp = async (
  { log, freshness }: Pick<RemovalParts, 'log' | 'freshness'>,
  readModels: readonly string[],
): Promise<void> => {
  for (const shard of log.shards) {
    if (!(await freshness.waitFor(await log.head(shard), readModels, BUDGET_MS))) throw new NotCaughtUp(readModels.join(', '));
  }
};

/** Every mail that was accepted until now is in its threads, or never will be. */
const allFiled = async ({ log, pool }: RemovalParts): Promise<void> => {
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
const filedUpTo = async (pool: RemovalParts['pool'], shard: number): Promise<Position> => {
  const { rows } = await pool.query<{ position: Position }>(
    "select position from projection.checkpoint where name = 'filing' and shard = $1",
    [shard],
  );
  return rows[0]?.position ?? START;
};

const isMailBetween = async (log: RemovalParts['log'], shard: number, after: Position, upTo: Position): Promise<boolean> => {
  for (let from = after; from < upTo;) {
    const { events, next, atHead } = await log.readAll(shard, from, 1, { types: ['EmailReceived'] });
    const [mail] = events;
    if (mail !== undefined) return mail.position <= upTo;
    if (atHead) return false;
    from = next;
  }
  return false;
};
