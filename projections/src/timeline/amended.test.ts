/** What becomes of messages after they were sent, and what is left once somebody is erased. */
import type { TidingsEvent } from '@tidings/contracts/events/index';
import type { MessageBody } from '@tidings/contracts/events/message';
import type { Message } from '@tidings/contracts/http/chat-objects';
import { derivedId, type EmailId, type MessageId, type RoomId, type UserId } from '@tidings/contracts/ids';
import { SHREDDED } from '@tidings/contracts/sealed';
import { timestamp } from '@tidings/contracts/time';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openProjectionBench, recorded, type Instance, type RunningProjection } from '../../../tests/kit/projection.ts';
import { messageView, withoutBlocked } from '../chat-view/index.ts';
import { ada, bob, created, cyd, group, joins, leaves, pair } from '../chat-view/testing/room-events.ts';
import { ENTRY_BY_MESSAGE } from './amended.ts';
import { entriesById, page, pinnedEntries, reactionsTo, threadPage, timeline } from './index.ts';

const id = (n: number): MessageId => derivedId<MessageId>('message', n);

interface Said {
  readonly in?: RoomId;
  readonly mentions?: readonly UserId[];
  readonly thread?: number;
}
const sends = (senderId: UserId, n: number, body: MessageBody, { in: roomId = group, mentions = [], thread }: Said = {}): TidingsEvent => ({
  type: 'MessageSent',
  data: { roomId, messageId: id(n), senderId, body, mentions, threadId: thread === undefined ? null : id(thread) },
});
const says = (senderId: UserId, n: number, said?: Said): TidingsEvent =>
  sends(senderId, n, { type: 'Text', text: `message ${n} \u0000 "replySenderId":"${ada}" \ud83d` }, said);
const answer = (text: string, to: UserId, n: number): MessageBody => ({
  type: 'Reply',
  text,
  quoted: {
    messageId: id(n),
    senderId: to,
    createdAt: '2026-01-01T00:00:00.000Z' as Message['createdAt'],
    body: { type: 'Text', text: 'what?' },
  },
});
const edits = (senderId: UserId, n: number, body: MessageBody, mentions: readonly UserId[] = []): TidingsEvent => ({
  type: 'MessageEdited',
  data: { roomId: group, messageId: id(n), senderId, body, mentions },
});
const rewrites = (senderId: UserId, n: number, text: string, mentions: readonly UserId[] = []): TidingsEvent =>
  edits(senderId, n, { type: 'Text', text }, mentions);
const deletes = (senderId: UserId, n: number): TidingsEvent => ({
  type: 'MessageDeleted',
  data: { roomId: group, messageId: id(n), senderId, deletedBy: senderId },
});
const reacts = (userId: UserId, n: number, emoji: string, type: 'ReactionAdded' | 'ReactionRemoved' = 'ReactionAdded'): TidingsEvent => ({
  type,
  data: { roomId: group, messageId: id(n), userId, emoji },
});
const pins = (n: number, type: 'MessagePinned' | 'MessageUnpinned' = 'MessagePinned'): TidingsEvent => ({
  type,
  data: { roomId: group, messageId: id(n), by: ada },
});
const registered = (userId: UserId, displayName: string): TidingsEvent => ({
  type: 'UserRegistered',
  data: { userId, displayName, email: null, role: 'USER' },
});
const erases = (userId: UserId): TidingsEvent => ({ type: 'SubjectErased', data: { userId, by: userId } });
const trio = created(group, 'Group', [ada, bob, cyd]);

let bench: RunningProjection;
beforeAll(async () => {
  bench = await openProjectionBench();
});
afterAll(() => bench.close());

const given = async (...events: readonly TidingsEvent[]): Promise<Instance> => {
  const instance = await bench.fresh(timeline);
  await instance.apply(recorded(events), 3);
  return instance;
};
const read = async (instance: Instance, n: number): Promise<Message | undefined> =>
  (await bench.read.any(entriesById(instance.schema, [id(n)]))).map(messageView)[0];

describe('a message', () => {
  it('says nothing of what it is not', async () => {
    const instance = await given(trio, says(ada, 1));
    expect(Object.keys((await read(instance, 1)) ?? {})).toEqual([
      'chatRoomId',
      'messageId',
      'senderId',
      'msgBody',
      'msgType',
      'createdAt',
      'seq',
    ]);
  });

  it('shows its last wording in its old place, and whom it names now', async () => {
    const instance = await given(
      trio,
      says(ada, 1, { mentions: [bob] }),
      says(bob, 2),
      rewrites(ada, 1, 'better'),
      rewrites(ada, 1, 'best', [cyd]),
    );
    expect(await read(instance, 1)).toMatchObject({
      seq: 1,
      msgBody: { text: 'best' },
      mentions: [cyd],
      editedAt: '2026-01-01T00:00:05.000Z',
    });
    expect((await bench.read.any(page(instance.schema, group, 'all', { type: 'newest' }, 9))).map(({ seq }) => seq)).toEqual([2, 1]);
  });

  it('shows how it reaches members by mail, the last news of each, and nothing of it once it is deleted', async () => {
    const of = { roomId: group, messageId: id(1) };
    const planned: TidingsEvent = {
      type: 'MailingPlanned',
      data: { ...of, senderId: ada, recipients: [bob, cyd].map((userId) => ({ userId, policy: 'at-once', dueAt: timestamp(0) })) },
    };
    const mailed: TidingsEvent = { type: 'MessageMailed', data: { ...of, userId: bob, emailId: derivedId<EmailId>('mail') } };
    const notMailed: TidingsEvent = { type: 'MessageNotMailed', data: { ...of, userId: cyd, because: 'read' } };
    const delivered: TidingsEvent = {
      type: 'MessageMailStatusChanged',
      data: { ...of, userId: bob, emailId: derivedId<EmailId>('mail'), status: 'delivered' },
    };
    const instance = await given(trio, says(ada, 1), planned, mailed, notMailed, says(bob, 2), delivered);
    const mails = (await read(instance, 1))?.mails?.map(({ userId, status, at }) => [userId, status, at]);
    expect(mails?.toSorted()).toEqual(
      [
        [bob, 'delivered', '2026-01-01T00:00:07.000Z'],
        [cyd, 'not-mailed', '2026-01-01T00:00:05.000Z'],
      ].toSorted(),
    );
    expect((await read(await given(trio, says(ada, 1), planned), 1))?.mails?.map(({ status }) => status)).toEqual(['waiting', 'waiting']);
    expect((await read(await given(trio, says(ada, 1), planned, mailed, deletes(ada, 1), notMailed), 1))?.mails).toBe(undefined);
  });

  it('leaves an empty place when it is deleted', async () => {
    const instance = await given(
      trio,
      sends(ada, 1, answer('yes', bob, 7), { mentions: [bob] }),
      reacts(bob, 1, '👍'),
      pins(1),
      edits(ada, 1, answer('no', bob, 7)),
      deletes(ada, 1),
      reacts(cyd, 1, '👍'),
    );
    const { createdAt } = (await read(instance, 1)) ?? {};
    expect(await read(instance, 1)).toEqual({
      ...{ chatRoomId: group, messageId: id(1), senderId: ada, msgBody: { text: '' }, msgType: 'Text', createdAt, seq: 1, deleted: true },
    });
    expect(await bench.read.any(pinnedEntries(instance.schema, group, 0))).toEqual([]);
  });

  it('leaves no words in any table when it is rewritten or deleted, also where a replay builds the index by id at its end', async () => {
    const rewritten = [rewrites(ada, 1, 'message 1 again'), rewrites(ada, 3, 'better')];
    const events = recorded([trio, says(ada, 1, { mentions: [bob] }), says(ada, 2), says(ada, 3), ...rewritten, deletes(ada, 1)]);
    const live = await bench.fresh(timeline);
    await live.apply(events, 3);
    const replayed = await bench.fresh(timeline);
    await bench.pool.query(`drop index ${replayed.schema}.${ENTRY_BY_MESSAGE}`);
    await replayed.apply(events, 3);
    const rows = async ({ schema }: Instance) =>
      (await bench.pool.query(`select seq, msg_type, body::text, mentions::text from ${schema}.entry order by seq`)).rows;
    expect(await rows(replayed), 'not looked for without the index').toMatchObject([
      { body: expect.stringContaining('message 1') },
      {},
      {},
    ]);
    await bench.pool.query(timeline.indexes?.(replayed.schema) ?? '');
    expect(await rows(live)).toEqual([
      { seq: 1, msg_type: 'Text', body: '{"text":""}', mentions: '[]' },
      { seq: 2, msg_type: 'Text', body: expect.stringContaining('message 2'), mentions: '[]' },
      { seq: 3, msg_type: 'Text', body: '{"text":""}', mentions: '[]' }, // as it reads now stands beside it
    ]);
    expect(await read(live, 3)).toMatchObject({ msgBody: { text: 'better' } });
    expect(await rows(replayed)).toEqual(await rows(live));
  });

  it('counts reactions and names those who were first', async () => {
    const crowd = Array.from({ length: 25 }, (_, n) => derivedId<UserId>('crowd', n));
    const instance = await given(
      trio,
      says(ada, 1),
      reacts(bob, 1, '👍'),
      reacts(bob, 1, ':yes:'),
      ...crowd.map((one) => reacts(one, 1, '👍')),
      reacts(bob, 1, '👍', 'ReactionRemoved'),
      reacts(bob, 1, '👍'),
    );
    expect((await read(instance, 1))?.reactions).toEqual([
      { emoji: ':yes:', count: 1, userIds: [bob] },
      { emoji: '👍', count: 26, userIds: crowd.slice(0, 20) },
    ]);
    expect(await bench.read.any(reactionsTo(instance.schema, id(1), []))).toEqual([
      { emoji: ':yes:', userIds: [bob] },
      { emoji: '👍', userIds: [...crowd, bob] },
    ]);
    await instance.apply(
      recorded([...Array.from({ length: 40 }, () => joins(cyd, pair)), reacts(bob, 1, ':yes:', 'ReactionRemoved')]).slice(40),
    );
    expect((await read(instance, 1))?.reactions).toHaveLength(1);
  });

  it('begins a thread, whose replies are entries of the room like any other', async () => {
    const instance = await given(
      trio,
      says(ada, 1),
      says(bob, 2, { thread: 1 }),
      says(ada, 3),
      says(cyd, 4, { thread: 1 }),
      deletes(bob, 2),
    );
    expect(await read(instance, 1)).toMatchObject({ thread: { replyCount: 1, lastReplyAt: '2026-01-01T00:00:05.000Z' } });
    expect(await read(instance, 4)).toMatchObject({ seq: 4, threadId: id(1) });
    const thread = async (before: number | null, after = 0) =>
      (await bench.read.any(threadPage(instance.schema, id(1), after, before, 9))).map(({ seq }) => seq);
    expect([await thread(null), await thread(4), await thread(null, 2)]).toEqual([[4, 2], [2], [4]]);
  });

  it('counts the replies that stand in its thread, also after a replay', async () => {
    const replies = [says(ada, 1), says(bob, 2, { thread: 1 }), says(cyd, 3, { thread: 1 }), says(ada, 4), says(bob, 5, { thread: 4 })];
    const events = recorded([trio, ...replies, deletes(cyd, 3), deletes(bob, 5)]);
    for (const { size, replay } of [
      { size: 3, replay: false },
      { size: 500, replay: false },
      { size: 3, replay: true },
    ]) {
      const instance = await bench.fresh(timeline);
      if (replay) await bench.pool.query(`drop index ${instance.schema}.${ENTRY_BY_MESSAGE}`);
      await instance.apply(events, size);
      if (replay) await bench.pool.query(timeline.indexes?.(instance.schema) ?? '');
      expect(await read(instance, 1)).toMatchObject({ thread: { replyCount: 1, lastReplyAt: '2026-01-01T00:00:03.000Z' } });
      expect(await read(instance, 4)).not.toHaveProperty('thread');
    }
  });

  it('is pinned until it is not', async () => {
    const instance = await given(trio, says(ada, 1), says(ada, 2), says(ada, 3), pins(1), pins(3), pins(2), pins(3, 'MessageUnpinned'));
    expect((await bench.read.any(pinnedEntries(instance.schema, group, 0))).map(({ seq }) => seq)).toEqual([2, 1]);
    expect(await read(instance, 2)).toMatchObject({ pinned: true });
    expect(await read(instance, 3)).not.toHaveProperty('pinned');
  });

  it('goes with its group, and so does what comes late', async () => {
    const gone: readonly TidingsEvent[] = [
      ...[leaves(ada, group, 'Group'), leaves(bob, group, 'Group'), leaves(cyd, group, 'Group')],
      { type: 'RoomClosed', data: { roomId: group } },
    ];
    const before = [trio, says(ada, 1), reacts(bob, 1, '👍'), pins(1), rewrites(ada, 1, 'x'), says(bob, 2, { thread: 1 })];
    const late = [reacts(cyd, 1, '👍'), pins(1), rewrites(ada, 1, 'y'), deletes(ada, 1), says(bob, 3, { thread: 1 })];
    const instance = await given(...before, ...gone, ...late);
    expect(await instance.dump()).toEqual([]);
  });
});

describe('someone who blocks another', () => {
  const seen = async (n: number, events: readonly TidingsEvent[]): Promise<Message> => {
    const message = await read(await given(...events), n);
    if (message === undefined) throw new Error('it is not there');
    return withoutBlocked(message, new Set([bob]));
  };

  it('sees the place of what they wrote, and no quote of it', async () => {
    expect(await seen(1, [trio, says(bob, 1, { mentions: [cyd] }), reacts(ada, 1, '👍'), says(cyd, 2, { thread: 1 })])).toMatchObject({
      ...{ seq: 1, senderId: bob, msgBody: { text: '' }, msgType: 'Text', hidden: true, thread: { replyCount: 1 } },
    });
    expect(await seen(2, [trio, sends(cyd, 2, answer('yes', bob, 1))])).toMatchObject({
      msgBody: { replyText: 'yes', replySenderId: bob, replyMsgType: 'Text', replyMsgDetails: { text: '' } },
    });
    expect(await seen(3, [trio, sends(cyd, 3, answer('yes', ada, 1))])).toMatchObject({ msgBody: { replyMsgDetails: { text: 'what?' } } });
  });
});

describe('once somebody is erased', () => {
  const story = (gone: boolean): readonly TidingsEvent[] => {
    const sealed = <A>(value: A) => (gone ? SHREDDED : value);
    const body = (event: TidingsEvent): TidingsEvent =>
      event.type === 'MessageSent' || event.type === 'MessageEdited'
        ? ({ ...event, data: { ...event.data, body: sealed(event.data.body) } } as TidingsEvent) // the same event, shredded
        : event;
    return [
      { type: 'UserRegistered', data: { userId: ada, displayName: sealed('Ada'), email: null, role: 'USER' } },
      registered(bob, 'Bob'),
      trio,
      body(says(ada, 1, { mentions: [bob] })),
      body(sends(ada, 2, answer('I', ada, 1))),
      sends(bob, 3, answer('you', ada, 1)),
      edits(bob, 3, answer('You!', ada, 1)),
      sends(cyd, 4, answer('he', bob, 3)),
      body(rewrites(ada, 1, 'again')),
      reacts(ada, 3, '👍'),
      body(says(ada, 5)),
      deletes(ada, 5),
      pins(1),
      leaves(ada, group, 'Group'),
      joins(ada, group),
      says(bob, 6),
      erases(ada),
      says(bob, 7, { thread: 1 }),
    ];
  };

  it('nothing is left of what they wrote, of their name, or of what others quote', async () => {
    const instance = await given(...story(false));
    const shown = JSON.stringify(await Promise.all([1, 2, 3, 5].map((n) => read(instance, n))));
    expect(shown).not.toMatch(/message \d|again|what\?/);
    expect(await read(instance, 1)).toMatchObject({ erased: true, msgBody: { text: '' }, thread: { replyCount: 1 }, pinned: true });
    expect(await read(instance, 3)).toMatchObject({
      msgBody: { replyText: 'You!', replyMsgDetails: { text: '' } },
      reactions: [{ count: 1 }],
    });
    expect(await read(instance, 4)).toMatchObject({ msgBody: { replyMsgDetails: { text: 'what?' } } });
    expect((await instance.dump()).join()).not.toContain('Ada');
  });

  it('the tables are those of a replay without their key, however it is cut into pages', async () => {
    const as = await Promise.all(
      (
        [
          [false, 1],
          [false, 500],
          [true, 1],
          [true, 500],
        ] as const
      ).map(async ([gone, size]) => {
        const instance = await bench.fresh(timeline);
        await instance.apply(recorded(story(gone)), size);
        return instance.dump();
      }),
    );
    expect(as[0]?.length).toBeGreaterThan(12);
    for (const other of as.slice(1)) expect(other).toEqual(as[0]);
  });
});
