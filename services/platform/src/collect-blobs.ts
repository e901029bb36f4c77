/**
 * The collection of bytes that nobody keeps (docs/decisions/034). A round takes what a removal left aside, what was erased, what was let go of, and
 * what was stored and never named by an event; each lane remembers how far it got. All removal goes the one way of `removeUnused`.
 */
import type { BlobId } from '@tidings/contracts/ids';
import type { InUse } from '@tidings/contracts/ports/blob-store';
import { type Position, START } from '@tidings/contracts/ports/event-log';
import { msOf } from '@tidings/contracts/time';
import { blobReferences, erasedBetween, letGoSince, releasedAfter } from '@tidings/projections/blob-references/index';
import { keptOf, referencesKnown, removeUnusedBlobs, type RemovalParts } from './unused-blobs.ts';

/** A removal takes seconds; what lies aside for longer was left by a power cut. */
const ASIDE_FOR_MS = 300_000;
const PAGE = 500;
/** Removed together: each removal takes some seconds, however many. */
const BATCH = 1_000;

export interface Collecting {
  /** How long bytes stay that nobody keeps. */
  readonly keepUnusedMs: number;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly signal?: AbortSignal;
}

/** @returns what is gone @throws NotCaughtUp, BlobStoreUnavailable; the next round does the rest */
export const collectBlobs = async (parts: RemovalParts, collecting: Collecting): Promise<readonly BlobId[]> => {
  const gone = [...(await takeUpAgain(parts)), ...(await collectErased(parts))];
  for (const lane of [letGo, strays]) {
    if (collecting.signal?.aborted === true) break;
    gone.push(...(await lane(parts, collecting)));
  }
  return gone;
};

/** What a removal that was cut short left aside. */
export const takeUpAgain = async (parts: RemovalParts, forMs = ASIDE_FOR_MS): Promise<readonly BlobId[]> =>
  removeUnusedBlobs(parts, await parts.blobs.leftAside(forMs));

/** What was let go of because somebody was erased goes at once. @throws NotCaughtUp; the next round does it then */
export const collectErased = async (parts: RemovalParts): Promise<readonly BlobId[]> => {
  await referencesKnown(parts);
  const gone: BlobId[] = [];
  for (const shard of parts.log.shards) {
    const lane = `erased ${shard}`;
    for (;;) {
      const page = await parts.read.any(
        erasedBetween(parts.liveSchema(blobReferences.name), shard, await positionOf(parts, lane), null, PAGE),
      );
      const last = page.at(-1);
      if (last === undefined) break;
      gone.push(
        ...(await removeUnusedBlobs(
          parts,
          page.map(({ id }) => id),
        )),
      );
      await remember(parts, lane, last.position);
    }
  }
  return gone;
};

/** The same for one erasure, whose events lie behind `from` and up to `to`. @throws NotCaughtUp; the caretaker does it then */
export const removeErased = async (parts: RemovalParts, shard: number, from: Position, to: Position): Promise<void> => {
  await referencesKnown(parts);
  for (let after = from; ;) {
    const page = await parts.read.any(erasedBetween(parts.liveSchema(blobReferences.name), shard, after, to, PAGE));
    const last = page.at(-1);
    if (last === undefined) return;
    await removeUnusedBlobs(
      parts,
      page.map(({ id }) => id),
    );
    after = last.position;
  }
};

/** What was let go of for long enough, in the order of the log. */
const letGo = async (parts: RemovalParts, collecting: Collecting): Promise<readonly BlobId[]> => {
  const gone: BlobId[] = [];
  const before = collecting.now - collecting.keepUnusedMs;
  await referencesKnown(parts);
  for (const shard of parts.log.shards) {
    const lane = `let go ${shard}`;
    for (;;) {
      const page = await parts.read.any(releasedAfter(parts.liveSchema(blobReferences.name), shard, await positionOf(parts, lane), PAGE));
      const young = page.findIndex(({ at }) => msOf(at) >= before);
      const due = young === -1 ? page : page.slice(0, young);
      const last = due.at(-1);
      if (last === undefined || collecting.signal?.aborted === true) break;
      gone.push(
        ...(await removeOld(
          parts,
          await unkept(
            parts,
            due.map(({ id }) => id),
            before,
          ),
          before,
        )),
      );
      await remember(parts, lane, last.position);
    }
  }
  return gone;
};

/** What was put, and no event came that names it. Each blob is looked at once; later it is let go of, or put again, which brings it here again. */
const strays = async (parts: RemovalParts, collecting: Collecting): Promise<readonly BlobId[]> => {
  const until = collecting.now - collecting.keepUnusedMs;
  const since = Number((await upTo(parts, STORED)) ?? 0);
  const gone: BlobId[] = [];
  let waiting: BlobId[] = [];
  const remove = async (): Promise<void> => {
    gone.push(...(await removeOld(parts, waiting, until)));
    waiting = [];
  };
  for await (const page of parts.blobs.list({ since, until })) {
    if (collecting.signal?.aborted === true) return gone;
    waiting.push(
      ...(await unkept(
        parts,
        page.map(({ id }) => id),
        until,
      )),
    );
    if (waiting.length >= BATCH) await remove();
  }
  await remove();
  await remember(parts, STORED, String(until));
  return gone;
};

const STORED = 'stored';

/**
 * All that nobody keeps, whatever rounds have seen: looks at every blob. For `tidings blobs collect`.
 * @param each is given what would go, or goes
 */
export const collectAll = async (
  parts: RemovalParts,
  { keepUnusedMs, now }: Collecting,
  { isDry, each }: { readonly isDry: boolean; readonly each: (id: BlobId) => void },
): Promise<void> => {
  const until = now - keepUnusedMs;
  await referencesKnown(parts);
  const aside = await parts.blobs.leftAside(ASIDE_FOR_MS);
  const keptAside = await keptOf(parts, aside);
  if (isDry) aside.filter((id) => !keptAside.has(id)).forEach(each);
  else (await takeUpAgain(parts)).forEach(each);
  for await (const page of parts.blobs.list({ until })) {
    const unused = await unkept(
      parts,
      page.map(({ id }) => id),
      until,
    );
    (isDry ? unused : await removeOld(parts, unused, until)).forEach(each);
  }
};

/** Those that nobody keeps, and nobody has let go of since `before`. */
const unkept = async (parts: RemovalParts, ids: readonly BlobId[], before: number): Promise<BlobId[]> => {
  if (ids.length === 0) return [];
  const kept = await keptOf(parts, ids);
  const young = await parts.read.any(letGoSince(parts.liveSchema(blobReferences.name), ids, before));
  const recent = new Set(young.map(({ id }) => id));
  return ids.filter((id) => !kept.has(id) && !recent.has(id));
};

/** Whoever put them again since `before` keeps them, event or no event. */
const removeOld = (parts: RemovalParts, ids: readonly BlobId[], before: number): Promise<readonly BlobId[]> => {
  const inUse: InUse = (asked) => keptOf(parts, asked);
  return parts.blobs.removeUnused(ids, inUse, before);
};

const upTo = async ({ pool }: RemovalParts, lane: string): Promise<string | null> => {
  const { rows } = await pool.query<{ upTo: string }>('select up_to as "upTo" from blob.collected where lane = $1', [lane]);
  return rows[0]?.upTo ?? null;
};

const positionOf = async (parts: RemovalParts, lane: string): Promise<Position> => ((await upTo(parts, lane)) ?? START) as Position; // we wrote it

const remember = async ({ pool }: RemovalParts, lane: string, to: string): Promise<void> => {
  await pool.query('insert into blob.collected values ($1, $2) on conflict (lane) do update set up_to = excluded.up_to', [lane, to]);
};
