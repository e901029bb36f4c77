import type { TidingsEvent } from '@tidings/contracts/events/index';
import type { RoomRole } from '@tidings/contracts/events/room';
import { type BlobId, derivedId, type MessageId, type RoomId, type UserId } from '@tidings/contracts/ids';
import { SHREDDED } from '@tidings/contracts/sealed';
import { timestamp } from '@tidings/contracts/time';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openProjectionBench, recorded, type Instance, type RunningProjection } from '../../../tests/kit/projection.ts';
import { ada, bob, created, cyd, group, joins, leaves, pair } from '../chat-view/testing/room-events.ts';
import { membership, membersOf, roomOf, rooms, roomsOf, type RoomPage } from './index.ts';

const second = (n: number) => timestamp(Date.UTC(2026, 0, 1, 0, 0, n));

const says = (senderId: UserId, roomId: RoomId, text: string): TidingsEvent => ({
  type: 'MessageSent',
  data: { roomId, messageId: derivedId<MessageId>(text), senderId, body: { type: 'Text', text }, mentions: [], threadId: null },
});

const rewrites = (senderId: UserId, said: string, text: string): TidingsEvent => ({
  type: 'MessageEdited',
  data: { roomId: group, messageId: derivedId<MessageId>(said), senderId, body: { type: 'Text', text }, mentions: [] },
});
const deletes = (senderId: UserId, said: string): TidingsEvent => ({
  type: 'MessageDeleted',
  data: { roomId: group, messageId: derivedId<MessageId>(said), senderId, deletedBy: senderId },
});
const renames = (by: UserId, name: string | null): TidingsEvent => ({ type: 'RoomRenamed', data: { roomId: group, name, by } });
const looks = (digits: string | null): TidingsEvent => {
  const image = digits === null ? null : { blobId: digits.repeat(32) as BlobId, size: 1, mimeType: 'image/jpeg' }; // by its looks
  return { type: 'RoomImageChanged', data: { roomId: group, by: ada, image } };
};
const gives = (userId: UserId, role: RoomRole): TidingsEvent => ({
  type: 'MemberRoleChanged',
  data: { roomId: group, userId, role, by: ada },
});
const erases = (userId: UserId): TidingsEvent => ({ type: 'SubjectErased', data: { userId, by: userId } });

let bench: RunningProjection;
beforeAll(async () => {
  bench = await openProjectionBench();
});
afterAll(() => bench.close());

const given = async (...events: readonly TidingsEvent[]): Promise<Instance> => {
  const instance = await bench.fresh(rooms);
  await instance.apply(recorded(events), 2);
  return instance;
};
const list = (instance: Instance, user: UserId, page: RoomPage | null = null) => bench.read.any(roomsOf(instance.schema, user, page));

describe('rooms', () => {
  it('are new until something is said, then show who said what', async () => {
    const instance = await given(
      created(group, 'Group', [ada, bob], 'Band\u0000'),
      created(pair, 'Single', [ada, bob]),
      says(bob, group, 'hi'),
    );
    expect(await list(instance, ada)).toEqual([
      {
        id: group,
        roomType: 'Group',
        name: 'Band',
        image: null,
        createdAt: second(1),
        latestAt: second(3),
        preview: { type: 'Text', senderId: bob, text: 'hi' },
        lastSeq: 1,
        joinedAt: second(1),
        joinedSeq: 0,
        otherId: null,
        sortAt: second(3),
      },
      expect.objectContaining({ id: pair, roomType: 'Single', latestAt: null, preview: null, lastSeq: 0, otherId: bob, sortAt: second(2) }),
    ]);
    expect(await bench.read.any(roomOf(instance.schema, ada, pair))).toHaveLength(1);
    expect(await bench.read.any(roomOf(instance.schema, cyd, pair))).toEqual([]);
  });

  it('count a group change as an entry, and start one who joins behind it', async () => {
    const instance = await given(
      created(group, 'Group', [ada, bob]),
      says(ada, group, 'hi'),
      joins(cyd, group),
      leaves(bob, group, 'Group'),
    );
    expect(await list(instance, cyd)).toMatchObject([
      { lastSeq: 3, joinedSeq: 2, preview: { type: 'RoomChange', senderId: bob, room_change_type: 'LEAVE' } },
    ]);
    expect(await list(instance, bob)).toEqual([]);
    expect(await bench.read.any(membersOf(instance.schema, group))).toMatchObject([
      expect.objectContaining({ joinedAt: second(1) }),
      expect.objectContaining({ joinedAt: second(1) }),
      { userId: cyd, joinedAt: second(3), leftAt: null, lastSeq: 3 },
    ]);
    expect(await bench.read.any(membership(instance.schema, group, bob))).toEqual([]);
  });

  it('leave a private room with the one who stays, and start it over for who comes back', async () => {
    const away = [created(pair, 'Single', [ada, bob]), says(ada, pair, 'hi'), leaves(bob, pair, 'Single')];
    const left = await given(...away);
    expect(await list(left, bob)).toEqual([]);
    expect(await list(left, ada)).toMatchObject([{ otherId: bob, preview: { text: 'hi' } }]);
    expect(await list(await given(...away, joins(bob, pair)), bob)).toMatchObject([{ joinedSeq: 1, lastSeq: 1, sortAt: second(4) }]);
  });

  it('vanish when closed', async () => {
    const closed: TidingsEvent = { type: 'RoomClosed', data: { roomId: group } };
    expect(
      await (await given(created(group, 'Group', [ada]), leaves(ada, group, 'Group'), closed, says(ada, group, 'late'))).dump(),
    ).toEqual([]);
  });

  it('lose a name that was erased', async () => {
    const nameless: TidingsEvent = {
      type: 'RoomCreated',
      data: { roomId: group, roomType: 'Group', name: SHREDDED, createdBy: ada, members: [ada, bob] },
    };
    expect(await list(await given(nameless), ada)).toMatchObject([{ name: null }]);
  });

  it('are called and look as they were last made to, and forget who is erased', async () => {
    const named = [created(group, 'Group', [ada, bob, cyd], 'Band'), renames(bob, 'Choir\u0000'), looks('ab'), looks('cd')];
    expect(await list(await given(...named), ada)).toMatchObject([{ name: 'Choir', image: 'cd'.repeat(32) }]);
    expect(await list(await given(...named, looks(null), erases(ada)), ada)).toMatchObject([{ name: 'Choir', image: null }]);
    expect(await list(await given(...named, erases(bob)), ada)).toMatchObject([{ name: null }]);
    expect(await list(await given(...named, renames(ada, 'Band'), erases(bob)), ada)).toMatchObject([{ name: 'Band' }]);
  });

  it('show the latest message as it reads now', async () => {
    const said = [created(group, 'Group', [ada, bob]), says(ada, group, 'first'), says(bob, group, 'last')];
    const preview = async (...events: readonly TidingsEvent[]) => (await list(await given(...said, ...events), ada))[0];
    expect(await preview(rewrites(bob, 'last', 'better'))).toMatchObject({
      latestAt: second(3),
      lastSeq: 2,
      preview: { type: 'Text', senderId: bob, text: 'better' },
    });
    expect(await preview(rewrites(ada, 'first', 'better'))).toMatchObject({ preview: { senderId: bob, text: 'last' } });
    expect(await preview(rewrites(bob, 'last', 'better'), deletes(bob, 'last'))).toMatchObject({ preview: { senderId: bob, text: '' } });
    expect(await preview(deletes(ada, 'first'))).toMatchObject({ preview: { text: 'last' } });
    expect(await preview(deletes(bob, 'last'), joins(cyd, group))).toMatchObject({ preview: { type: 'RoomChange', senderId: cyd } });
    expect(await preview(erases(bob))).toMatchObject({ preview: { type: 'Text', senderId: bob, text: '' } });
  });

  it('have owners, admins and members, and nobody else has a rank', async () => {
    const ranks = async (...events: readonly TidingsEvent[]) =>
      (await bench.read.any(membersOf((await given(created(group, 'Group', [ada, bob]), joins(cyd, group), ...events)).schema, group)))
        .toSorted((a, b) => [ada, bob, cyd].indexOf(a.userId) - [ada, bob, cyd].indexOf(b.userId))
        .map(({ role }) => role);
    expect(await ranks()).toEqual(['owner', 'member', 'member']);
    expect(await ranks(gives(bob, 'admin'), gives(cyd, 'owner'), gives(ada, 'member'))).toEqual(['member', 'admin', 'owner']);
    expect(await ranks(gives(bob, 'owner'), leaves(bob, group, 'Group'), joins(bob, group))).toEqual(['owner', 'member', 'member']);
    const instance = await given(created(pair, 'Single', [ada, bob]));
    expect(await bench.read.any(membersOf(instance.schema, pair))).toMatchObject([{ role: 'member' }, { role: 'member' }]);
  });

  it('are, once someone is erased, those of a replay that cannot read them, whatever the pages were', async () => {
    const story = (readable: boolean): readonly TidingsEvent[] => {
      const name = readable ? 'Ours' : SHREDDED;
      const body = readable ? { type: 'Text' as const, text: 'mine "senderId":"\u0000' } : SHREDDED;
      const message = { roomId: group, messageId: derivedId<MessageId>('mine'), senderId: bob };
      const other = { ...message, roomId: pair, messageId: derivedId<MessageId>('other') };
      return [
        created(group, 'Group', [ada, bob], 'Band'),
        created(pair, 'Single', [ada, bob]),
        { type: 'RoomRenamed', data: { roomId: group, name, by: bob } },
        { type: 'MessageSent', data: { ...message, body, mentions: [], threadId: null } },
        { type: 'MessageSent', data: { ...other, body, mentions: [], threadId: null } },
        { type: 'MessageEdited', data: { ...message, body, mentions: [] } },
        says(ada, pair, `"senderId":"${bob}" \u0000`),
        erases(bob),
        gives(bob, 'admin'),
        leaves(bob, group, 'Group'),
      ];
    };
    const dumps = await Promise.all(
      [true, false].flatMap((readable) =>
        [1, 3, 100].map(async (size) => {
          const instance = await bench.fresh(rooms);
          await instance.apply(recorded(story(readable)), size);
          return instance.dump();
        }),
      ),
    );
    for (const dump of dumps) expect(dump).toEqual(dumps[0]);
    expect(dumps[0]?.join(' ')).not.toMatch(/Ours|mine/);
  });

  it('page without skipping or repeating, ties by id', async () => {
    const ids = Array.from({ length: 7 }, (_, n) => derivedId<RoomId>('many', n));
    const instance = await bench.fresh(rooms);
    await instance.apply(
      recorded(
        ids.map((id) => created(id, 'Group', [ada, bob])),
        0.1,
      ),
      100,
    ); // all in one instant
    const seen: RoomId[] = [];
    let after: RoomPage['after'] = null;
    for (;;) {
      const found: Awaited<ReturnType<typeof list>> = await list(instance, ada, { after, limit: 3 });
      const last = found.at(-1);
      if (last === undefined) break;
      seen.push(...found.map((room) => room.id));
      after = { at: last.sortAt, id: last.id };
    }
    expect(seen).toEqual([...ids].sort().toReversed());
  });

  it('are the same whatever the pages were', async () => {
    const events = recorded([
      created(group, 'Group', [ada, bob], 'Band'),
      created(pair, 'Single', [ada, bob]),
      ...Array.from({ length: 20 }, (_, n) => says(ada, n % 2 === 0 ? group : pair, `message ${n}`)),
      joins(cyd, group),
      leaves(ada, pair, 'Single'),
      joins(ada, pair),
      leaves(bob, group, 'Group'),
      renames(ada, 'Other'),
      gives(cyd, 'owner'),
      looks('ab'),
      rewrites(ada, 'message 18', 'no longer the latest'),
    ]);
    const [one, other] = await Promise.all([bench.fresh(rooms), bench.fresh(rooms)]);
    await one.apply(events, 1);
    await other.apply(events, 500);
    expect(await other.dump()).toEqual(await one.dump());
  });
});
