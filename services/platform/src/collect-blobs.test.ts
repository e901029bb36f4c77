import { randomBytes } from 'node:crypto';
import type { TidingsEvent } from '@tidings/contracts/events/index';
import {
  type BlobId,
  type CommandId,
  derivedId,
  type MailboxId,
  type MediaId,
  type RoomId,
  type StreamId,
  type UserId,
} from '@tidings/contracts/ids';
import { START } from '@tidings/contracts/ports/event-log';
import { loadConfig } from '@tidings/infra/config/config';
import { isRight } from 'fp-ts/lib/Either.js';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { createTestDatabase } from '../../../tests/kit/postgres.ts';
import { migrate } from '../../cli/src/migrate.ts';
import { startProjectorService } from '../../projector/src/index.ts';
import { collectAll, collectBlobs, collectErased } from './collect-blobs.ts';
import { openPlatform, type OpenedPlatform } from './open.ts';
import type { Service } from './platform.ts';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let platform: OpenedPlatform;
let projector: Service;
beforeAll(async () => {
  database = await createTestDatabase();
  const logger = pino({ level: 'silent' });
  await migrate(database.url, logger);
  const config = loadConfig({ DATABASE_URL: database.url });
  if (!isRight(config)) throw new Error(config.left.join('; '));
  platform = await openPlatform(config.right, { process: 'test', logger, connections: 4 });
  projector = await startProjectorService(platform);
}, 60_000);
afterAll(async () => {
  await projector.stop();
  await platform.close();
  await database.drop();
});

let appended = 0;
const append = async (event: TidingsEvent): Promise<void> => {
  appended += 1;
  const key = `${appended}`;
  await platform.events.append(`test-${key}` as StreamId, 'none', [event], { commandId: derivedId<CommandId>('test', key) });
};
const ada = derivedId<UserId>('ada');
const uploaded = (name: string, blobId: BlobId, by = ada): TidingsEvent => ({
  type: 'MediaUploaded',
  data: { mediaId: derivedId<MediaId>(name), uploadedBy: by, blobId, mimeType: 'image/png', size: 1, width: 1, height: 1, name: null },
});
const pictured = (room: string, blobId: BlobId | null): TidingsEvent => ({
  type: 'RoomImageChanged',
  data: { roomId: derivedId<RoomId>(room), by: ada, image: blobId === null ? null : { blobId, size: 1, mimeType: 'image/png' } },
});
const put = async (size = 100): Promise<BlobId> => (await platform.blobs.put(randomBytes(size))).id;
const HOUR = 3_600_000;
const collecting = (now = Date.now() + 2 * HOUR) => ({ keepUnusedMs: HOUR, now });
const there = (...ids: readonly BlobId[]): Promise<readonly boolean[]> => Promise.all(ids.map((id) => platform.blobs.has(id)));

/** Whatever earlier tests left is gone, and every lane begins anew. */
beforeEach(async () => {
  await platform.pool.query('truncate blob.collected; truncate blob.blob, blob.aside');
});

it('takes what nobody ever named and what was let go of, once it is old enough, and nothing else', async () => {
  const [stray, let1, kept, large] = [await put(), await put(), await put(), await put(600_000)];
  for (const event of [uploaded('kept', kept), pictured('one', let1), pictured('two', large), pictured('one', null)]) await append(event);
  expect(await collectBlobs(platform, collecting(Date.now()))).toEqual([]);
  expect(await there(stray, let1, kept, large)).toEqual([true, true, true, true]);
  expect((await collectBlobs(platform, collecting())).toSorted()).toEqual([stray, let1].toSorted());
  expect(await there(stray, let1, kept, large)).toEqual([false, false, true, true]);
  await append(pictured('two', null));
  expect(await collectBlobs(platform, collecting())).toEqual([large]);
}, 60_000);

it('leaves alone what was put again since, and what is named meanwhile', async () => {
  const bytes = randomBytes(200);
  const [again, named] = [(await platform.blobs.put(bytes)).id, await put()];
  await platform.pool.query("update blob.blob set stored_at = now() - interval '3 hours'");
  const collection = collectBlobs(platform, collecting(Date.now()));
  await platform.blobs.put(bytes);
  await append(uploaded('meanwhile', named));
  await collection;
  expect(await platform.blobs.read(again)).toEqual(bytes);
  expect(await there(named)).toEqual([true]);
}, 60_000);

it('takes at once what was erased, also what a power cut left aside or kept the erasure from', async () => {
  const [ben, box] = [derivedId<UserId>('ben'), derivedId<MailboxId>('box')];
  const [his, alsoHers] = [await put(), await put()];
  for (const event of [uploaded('his', his, ben), uploaded('both', alsoHers, ben), uploaded('hers', alsoHers)]) await append(event);
  await append({ type: 'SubjectErased', data: { userId: ben, by: ada } });
  await append({ type: 'MailboxClosed', data: { mailboxId: box, by: ada } });
  // The erasure was cut off as it had set bytes aside: as `removeUnused` leaves them.
  await platform.pool.query(
    `with gone as (delete from blob.blob where id = decode($1, 'hex') returning *)
    insert into blob.aside (id, size, packing, data, upload, stored_at, level, key_id, sealed_key)
    select id, size, packing, data, upload, stored_at, level, key_id, sealed_key from gone`,
    [his],
  );
  expect(await platform.blobs.read(his), 'readable until then').toHaveLength(100);
  expect(await collectErased(platform)).toEqual([his]);
  expect([await there(his, alsoHers), await collectErased(platform)]).toEqual([[false, true], []]);
  await expect(platform.blobs.read(his)).rejects.toThrow();
}, 60_000);

it('looks at all of it by hand, and only looks when asked to', async () => {
  const [stray, kept] = [await put(), await put()];
  await append(uploaded('by hand', kept));
  const found = async (isDry: boolean): Promise<readonly BlobId[]> => {
    const ids: BlobId[] = [];
    await collectAll(platform, collecting(), { isDry, each: (id) => ids.push(id) });
    return ids;
  };
  expect([await found(true), await there(stray)]).toEqual([[stray], [true]]);
  expect([await found(false), await there(stray, kept)]).toEqual([[stray], [false, true]]);
}, 60_000);

it('never loses bytes that an event names, whoever puts, appends, lets go and collects at the same time', async () => {
  const values = Array.from({ length: 12 }, (_, n) => Buffer.from(`value ${n} `.repeat(20)));
  const rooms = 6;
  const shown = new Map<string, BlobId | null>();
  let over = false;
  const collector = (async (): Promise<void> => {
    // As if everything were old: only what was put within the last minute is spared by its time.
    while (!over) {
      await platform.pool.query(
        "update blob.blob set stored_at = stored_at - interval '2 hours' where stored_at > now() - interval '1 hour' and random() < 0.5",
      );
      await collectAll(platform, collecting(Date.now()), { isDry: false, each: () => undefined });
    }
  })();
  const writer = async (room: number): Promise<void> => {
    for (let round = 0; round < 15; round += 1) {
      const value = values[(room * 5 + round * 7) % values.length] ?? Buffer.alloc(0);
      const image = round % 4 === 3 ? null : (await platform.blobs.put(value)).id;
      await append(pictured(`busy ${room}`, image));
      shown.set(`busy ${room}`, image);
      if (image !== null) expect(await platform.blobs.read(image)).toEqual(value);
    }
  };
  await Promise.all(Array.from({ length: rooms }, (_, room) => writer(room)));
  over = true;
  await collector;
  for (const id of shown.values()) if (id !== null) expect((await platform.blobs.read(id)).byteLength).toBeGreaterThan(0);
  expect(await platform.log.head(0)).not.toBe(START);
}, 120_000);
