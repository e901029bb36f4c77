import type { TidingsEvent } from '@tidings/contracts/events/index';
import {
  derivedId,
  type BlobId,
  type EmailId,
  type MailboxId,
  type MediaId,
  type RoomId,
  type ThreadId,
  type UserId,
} from '@tidings/contracts/ids';
import { START } from '@tidings/contracts/ports/event-log';
import { SHREDDED } from '@tidings/contracts/sealed';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openProjectionBench, recorded, type Instance, type RunningProjection } from '../../../tests/kit/projection.ts';
import { blobReferences, keptBlobs, releasedAfter } from './index.ts';

const [ada, ben] = [derivedId<UserId>('ada'), derivedId<UserId>('ben')];
const [box, team] = [derivedId<MailboxId>('box'), derivedId<MailboxId>('team')];
const room = derivedId<RoomId>('room');
const blob = (digit: string): BlobId => digit.repeat(64) as BlobId;
const [a, b, c, d] = [blob('a'), blob('b'), blob('c'), blob('d')];
const mail = (n: number): EmailId => derivedId<EmailId>('mail', n);
const thread = (n: number): ThreadId => derivedId<ThreadId>('thread', n);

const received = (n: number, blobId: BlobId, ...to: readonly MailboxId[]): TidingsEvent => ({
  type: 'EmailReceived',
  data: { emailId: mail(n), blobId, size: 1, recipients: to.map((mailboxId) => ({ mailboxId, envelope: SHREDDED })) },
});
const filed = (n: number, mailboxId: MailboxId, blobId: BlobId, bodyBlobId: BlobId): TidingsEvent => ({
  type: 'EmailFiled',
  data: {
    threadId: thread(n),
    mailboxId,
    emailId: mail(n),
    blobId,
    bodyBlobId,
    size: 1,
    direction: 'in',
    place: 'inbox',
    startsThread: true,
    messageIdReused: false,
    envelope: SHREDDED,
    content: SHREDDED,
  },
});
const decided = (n: number, mailboxId: MailboxId, outcome: 'duplicate' | 'thread'): TidingsEvent => ({
  type: 'FilingDecided',
  data: {
    mailboxId,
    emailId: mail(n),
    outcome: outcome === 'duplicate' ? { type: 'duplicate', of: mail(0) } : { type: 'thread', threadId: thread(n), by: 'subject' },
  },
});
const uploaded = (by: UserId, name: string, blobId: BlobId): TidingsEvent => ({
  type: 'MediaUploaded',
  data: { mediaId: derivedId<MediaId>(name), uploadedBy: by, blobId, mimeType: 'image/png', size: 1, width: 1, height: 1, name: null },
});
const pictured = (blobId: BlobId | null): TidingsEvent => ({
  type: 'RoomImageChanged',
  data: { roomId: room, by: ada, image: blobId === null ? null : { blobId, size: 1, mimeType: 'image/png' } },
});
const unshared = (n: number, mailboxId: MailboxId): TidingsEvent => ({
  type: 'ThreadUnshared',
  data: { threadId: thread(n), mailboxId, heldBy: [], by: ada },
});
const closed = (mailboxId: MailboxId): TidingsEvent => ({ type: 'MailboxClosed', data: { mailboxId, by: ada } });
const erased = (userId: UserId): TidingsEvent => ({ type: 'SubjectErased', data: { userId, by: ada } });
const roomClosed: TidingsEvent = { type: 'RoomClosed', data: { roomId: room } };

let bench: RunningProjection;
beforeAll(async () => {
  bench = await openProjectionBench();
});
afterAll(() => bench.close());

const given = async (...events: readonly TidingsEvent[]): Promise<Instance> => {
  const instance = await bench.fresh(blobReferences);
  await instance.apply(recorded(events), 3);
  return instance;
};
const kept = async ({ schema }: Instance): Promise<string> =>
  (await bench.read.any(keptBlobs(schema, [a, b, c, d])))
    .map(({ id }) => id[0])
    .toSorted()
    .join('');
/** `b@3` was let go of by the third event, `b@3!` at once. */
const released = async ({ schema }: Instance): Promise<readonly string[]> =>
  (await bench.read.any(releasedAfter(schema, 0, START, 100))).map(
    ({ id, position, atOnce }) => `${id[0]}@${Number(position)}${atOnce ? '!' : ''}`,
  );
const expectAfter = async (events: readonly TidingsEvent[], keeps: string, ...lets: readonly string[]): Promise<void> => {
  const instance = await given(...events);
  expect([await kept(instance), await released(instance)]).toEqual([keeps, lets]);
};

describe('bytes of mail', () => {
  it('are kept from the moment it is accepted, and by each mailbox that has it', async () => {
    await expectAfter([received(1, a, box, team)], 'a');
    await expectAfter([received(1, a, box), decided(1, box, 'thread')], 'a');
    await expectAfter([received(1, a, box, team), filed(1, box, a, b)], 'ab');
    await expectAfter([received(1, a, box), filed(1, box, a, b)], 'ab');
  });

  it('are let go of when it is not filed', async () => {
    await expectAfter([received(1, a, box), decided(1, box, 'duplicate')], '', 'a@2');
    await expectAfter([received(1, a, box, team), decided(1, box, 'duplicate')], 'a', 'a@2');
  });

  it('stay for as long as one mailbox has it', async () => {
    const both = [received(1, a, box, team), filed(1, box, a, b), filed(1, team, a, c)];
    await expectAfter([...both, unshared(1, team)], 'ab', 'a@4', 'c@4');
    await expectAfter([...both, unshared(1, team), unshared(1, box)], '', 'c@4', 'a@5', 'b@5');
    await expectAfter([...both, unshared(1, team), filed(1, team, a, c)], 'abc', 'a@4', 'c@4');
  });

  it('go at once with a mailbox, and whatever comes for it later', async () => {
    await expectAfter([filed(1, box, a, b), filed(2, team, a, c), closed(box)], 'ac', 'a@3!', 'b@3!');
    await expectAfter([closed(box), received(1, a, box), received(2, b, box, team)], 'b', 'a@2!');
    await expectAfter([received(1, a, box), closed(box), filed(1, box, a, d)], '', 'a@3!', 'd@3!');
  });
});

describe('bytes of chat', () => {
  it('are kept by who uploaded them until they are erased', async () => {
    await expectAfter([uploaded(ada, 'cat', a), uploaded(ben, 'dog', a), uploaded(ada, 'cow', b), erased(ada)], 'a', 'a@4!', 'b@4!');
    await expectAfter([erased(ada), uploaded(ada, 'late', c)], '', 'c@2!');
  });

  it('are the last picture of a room, for as long as there is the room', async () => {
    await expectAfter([pictured(a), pictured(b)], 'b', 'a@2');
    await expectAfter([pictured(a), pictured(a)], 'a');
    await expectAfter([pictured(a), pictured(null)], '', 'a@2');
    await expectAfter([pictured(a), roomClosed], '', 'a@2');
    await expectAfter([pictured(a), erased(ada)], 'a');
  });
});

it('comes to the same however the log is cut into pages', async () => {
  const box2 = fc.constantFrom(box, team);
  const bytes = fc.constantFrom(a, b, c, d);
  const n = fc.integer({ min: 1, max: 3 });
  const anEvent = fc.oneof(
    fc.tuple(n, bytes, fc.uniqueArray(box2, { minLength: 1 })).map(([at, id, to]) => received(at, id, ...to)),
    fc.tuple(n, box2, bytes, bytes).map(([at, to, raw, body]) => filed(at, to, raw, body)),
    fc.tuple(n, box2, fc.constantFrom('duplicate' as const, 'thread' as const)).map(([at, to, outcome]) => decided(at, to, outcome)),
    fc.tuple(n, box2).map(([at, of]) => unshared(at, of)),
    box2.map(closed),
    fc.tuple(fc.constantFrom(ada, ben), fc.constantFrom('cat', 'dog'), bytes).map(([by, name, id]) => uploaded(by, name, id)),
    fc.constantFrom(ada, ben).map(erased),
    fc.option(bytes).map(pictured),
    fc.constant(roomClosed),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(anEvent, { maxLength: 14 }), fc.integer({ min: 2, max: 14 }), async (events, pageSize) => {
      const [one, paged] = [await bench.fresh(blobReferences), await bench.fresh(blobReferences)];
      await one.apply(recorded(events), 1);
      await paged.apply(recorded(events), pageSize);
      expect(await paged.dump()).toEqual(await one.dump());
    }),
    { numRuns: 25 },
  );
});
