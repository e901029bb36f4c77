import type { TidingsEvent } from '@tidings/contracts/events/index';
import { derivedId, type BlobId, type MediaId, type MessageId, type RoomId, type UserId } from '@tidings/contracts/ids';
import { SHREDDED, type Sealed } from '@tidings/contracts/sealed';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openProjectionBench, recorded, type Instance, type RunningProjection } from '../../../tests/kit/projection.ts';
import { ada, bob, created, cyd, group, joins, leaves, pair } from '../chat-view/testing/room-events.ts';
import { fileById, media, roomImage, shownBy } from './index.ts';

const cat = derivedId<MediaId>('cat');
const dog = derivedId<MediaId>('dog');
const other = derivedId<RoomId>('other');
const blob = (digit: string): BlobId => digit.repeat(64) as BlobId;
const message = (n: number): MessageId => derivedId<MessageId>('message', n);

const uploads = (uploadedBy: UserId, mediaId: MediaId, name: Sealed<string | null> = 'cat\u0000.png'): TidingsEvent => ({
  type: 'MediaUploaded',
  data: { mediaId, uploadedBy, blobId: blob('a'), mimeType: 'image/png', size: 7, width: 4, height: 3, name },
});
const shows = (senderId: UserId, roomId: RoomId, n: number, mediaId: MediaId): TidingsEvent => ({
  type: 'MediaShown',
  data: { roomId, messageId: message(n), senderId, mediaId },
});
const deletes = (senderId: UserId, roomId: RoomId, n: number): TidingsEvent => ({
  type: 'MessageDeleted',
  data: { roomId, messageId: message(n), senderId, deletedBy: senderId },
});
const erased = (userId: UserId): TidingsEvent => ({ type: 'SubjectErased', data: { userId, by: userId } });
const pictured = (roomId: RoomId, digit: string | null): TidingsEvent => ({
  type: 'RoomImageChanged',
  data: { roomId, by: ada, image: digit === null ? null : { blobId: blob(digit), size: 9, mimeType: 'image/jpeg' } },
});
const closes = (roomId: RoomId): TidingsEvent => ({ type: 'RoomClosed', data: { roomId } });

let bench: RunningProjection;
beforeAll(async () => {
  bench = await openProjectionBench();
});
afterAll(() => bench.close());

const given = async (...events: readonly TidingsEvent[]): Promise<Instance> => {
  const instance = await bench.fresh(media);
  await instance.apply(recorded(events), 2);
  return instance;
};
/** Which of ada, bob and cyd are shown the file by a message. */
const seenBy = async ({ schema }: Instance, id: MediaId): Promise<readonly UserId[]> => {
  const shown = await Promise.all([ada, bob, cyd].map((user) => bench.read.any(shownBy(schema, id, user))));
  return [ada, bob, cyd].filter((_, n) => shown[n]?.length !== 0);
};

describe('who may fetch a file', () => {
  it('is who is in the room where its uploader shows it, for as long as they are', async () => {
    const before = [uploads(ada, cat), created(group, 'Group', [ada, bob]), shows(ada, group, 1, cat)];
    const instance = await given(...before);
    expect(await bench.read.one(fileById(instance.schema, cat))).toEqual({
      ...{ blobId: blob('a'), mimeType: 'image/png', size: 7 },
      ...{ uploadedBy: ada, name: 'cat.png' },
    });
    expect(await bench.read.any(shownBy(instance.schema, cat, bob))).toEqual([{ senderId: ada, isGroup: true }]);
    expect(await seenBy(instance, cat)).toEqual([ada, bob]);
    expect(await seenBy(await given(...before, joins(cyd, group), leaves(bob, group, 'Group')), cat)).toEqual([ada, cyd]);
  });

  it('is nobody by a message of one who could not fetch it', async () => {
    const guessed = [uploads(ada, cat), created(group, 'Group', [bob, cyd]), shows(bob, group, 1, cat)];
    expect(await seenBy(await given(...guessed), cat)).toEqual([]);
  });

  it('is also who gets it from one of these', async () => {
    const shared = [uploads(ada, cat), created(pair, 'Single', [ada, bob]), shows(ada, pair, 1, cat), created(group, 'Group', [bob, cyd])];
    expect(await seenBy(await given(...shared, shows(bob, group, 2, cat)), cat)).toEqual([ada, bob, cyd]);
  });

  it('is not who came back to a private room after it', async () => {
    const back = [leaves(bob, pair, 'Single'), joins(bob, pair, bob)];
    const instance = await given(uploads(ada, cat), created(pair, 'Single', [ada, bob]), shows(ada, pair, 1, cat), ...back);
    expect(await seenBy(instance, cat)).toEqual([ada]);
  });

  it('ends with the message, its room, its sender', async () => {
    const before = [uploads(ada, cat), uploads(ada, dog, null), created(group, 'Group', [ada, bob]), shows(ada, group, 1, cat)];
    expect(await seenBy(await given(...before, deletes(ada, group, 1)), cat)).toEqual([]);
    const closed = await given(
      ...before,
      leaves(bob, group, 'Group'),
      leaves(ada, group, 'Group'),
      closes(group),
      shows(ada, group, 2, cat),
    );
    expect((await closed.dump()).filter((row) => !row.startsWith('file'))).toEqual([]);
    const gone = await given(...before, erased(ada));
    expect([await seenBy(gone, cat), await bench.read.any(fileById(gone.schema, cat))]).toEqual([[], []]);
  });

  it('stays with those who got it through someone who is erased', async () => {
    const passedOn = [
      uploads(bob, cat),
      created(pair, 'Single', [ada, bob]),
      created(group, 'Group', [ada, cyd]),
      created(other, 'Group', [cyd, bob]),
      ...[shows(bob, pair, 1, cat), shows(ada, group, 2, cat), shows(cyd, other, 3, cat)],
    ];
    expect(await seenBy(await given(...passedOn, erased(ada)), cat)).toEqual([ada, bob, cyd]);
    const handed = [uploads(bob, cat), created(pair, 'Single', [ada, bob]), created(group, 'Group', [ada, cyd])];
    const lost = await given(...handed, shows(bob, pair, 1, cat), shows(ada, group, 2, cat), erased(ada), shows(cyd, group, 3, cat));
    expect(await seenBy(lost, cat), 'nobody shows it to her any more').toEqual([ada, bob]);
  });
});

describe('the picture of a room', () => {
  it('is the last one, for members', async () => {
    const { schema } = await given(
      created(group, 'Group', [ada, bob]),
      created(other, 'Group', [cyd, bob]),
      pictured(group, 'b'),
      pictured(group, 'c'),
    );
    expect(await bench.read.any(roomImage(schema, group, bob))).toEqual([{ blobId: blob('c'), mimeType: 'image/jpeg', size: 9 }]);
    expect(await bench.read.any(roomImage(schema, group, cyd))).toEqual([]);
    expect(await bench.read.any(roomImage(schema, other, cyd))).toEqual([]);
  });

  it('is taken away', async () => {
    const { schema } = await given(created(group, 'Group', [ada, bob]), pictured(group, 'b'), pictured(group, null));
    expect(await bench.read.any(roomImage(schema, group, ada))).toEqual([]);
  });
});

it('is the same whatever the pages were', async () => {
  const events = recorded([
    uploads(ada, cat),
    created(pair, 'Single', [ada, bob]),
    created(group, 'Group', [bob, cyd]),
    shows(ada, pair, 1, cat),
    shows(bob, group, 2, cat),
    leaves(bob, pair, 'Single'),
    shows(bob, group, 3, dog),
    uploads(bob, dog, SHREDDED),
    joins(bob, pair, bob),
    shows(bob, pair, 4, dog),
    pictured(group, 'd'),
    deletes(bob, group, 3),
    erased(ada),
  ]);
  const dumps = await Promise.all(
    [1, 3, 100].map(async (pageSize) => {
      const instance = await bench.fresh(media);
      await instance.apply(events, pageSize);
      return instance.dump();
    }),
  );
  expect(dumps[0]?.length).toBeGreaterThan(5);
  expect(dumps[1]).toEqual(dumps[0]);
  expect(dumps[2]).toEqual(dumps[0]);
});
