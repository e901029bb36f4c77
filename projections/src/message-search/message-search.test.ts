import type { TidingsEvent } from '@tidings/contracts/events/index';
import type { MessageBody } from '@tidings/contracts/events/message';
import { derivedId, type MessageId, type RoomId, type UserId } from '@tidings/contracts/ids';
import type { MessageHit, MessageQuestion, SearchQuery } from '@tidings/contracts/ports/message-search';
import { SHREDDED } from '@tidings/contracts/sealed';
import { timestamp } from '@tidings/contracts/time';
import fc from 'fast-check';
import { either as E } from 'fp-ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openProjectionBench, recorded, type Instance, type RunningProjection } from '../../../tests/kit/projection.ts';
import { ada, bob, created, cyd, group, leaves, pair } from '../chat-view/testing/room-events.ts';
import { messageSearch, parseQuery, postgresMessageSearch } from './index.ts';
import { plainSearch, type PlainMessage } from './testing/plain-search.ts';

const id = (n: number): MessageId => derivedId<MessageId>('message', n);
const text = (words: string): MessageBody => ({ type: 'Text', text: words });
const says = (senderId: UserId, roomId: RoomId, n: number, words: string | MessageBody): TidingsEvent => ({
  type: 'MessageSent',
  data: { roomId, messageId: id(n), senderId, body: typeof words === 'string' ? text(words) : words, mentions: [], threadId: null },
});
const edits = (senderId: UserId, roomId: RoomId, n: number, words: string): TidingsEvent => ({
  type: 'MessageEdited',
  data: { roomId, messageId: id(n), senderId, body: text(words), mentions: [] },
});
const deletes = (senderId: UserId, roomId: RoomId, n: number): TidingsEvent => ({
  type: 'MessageDeleted',
  data: { roomId, messageId: id(n), senderId, deletedBy: senderId },
});
const erased = (userId: UserId): TidingsEvent => ({ type: 'SubjectErased', data: { userId, by: ada } });
const rooms = [created(group, 'Group', [ada, bob, cyd]), created(pair, 'Single', [ada, bob])];

let bench: RunningProjection;
beforeAll(async () => {
  bench = await openProjectionBench();
});
afterAll(() => bench.close());

const given = async (events: readonly TidingsEvent[], pageSize = 3): Promise<Instance> => {
  const instance = await bench.fresh(messageSearch);
  await instance.apply(recorded([...rooms, ...events]), pageSize);
  return instance;
};
const queryOf = (typed: string): SearchQuery =>
  E.getOrElseW((rule: string): never => {
    throw new Error(rule);
  })(parseQuery(typed));

const everywhere = [
  { roomId: group, visibleAfter: 0 },
  { roomId: pair, visibleAfter: 0 },
];
const ask = (typed: string, more: Partial<MessageQuestion> = {}): MessageQuestion => ({
  query: queryOf(typed),
  rooms: everywhere,
  from: null,
  notFrom: [],
  before: null,
  after: null,
  limit: 20,
  ...more,
});
const find = ({ schema }: Instance, question: MessageQuestion) =>
  postgresMessageSearch({ read: bench.read, liveSchema: () => schema }).find(question);
const found = async (instance: Instance, typed: string, more?: Partial<MessageQuestion>) =>
  (await find(instance, ask(typed, more))).map(({ messageId }) => [1, 2, 3, 4, 5, 6].find((n) => id(n) === messageId));

describe('the search for messages', () => {
  it('finds words, phrases and beginnings, newest first', async () => {
    const instance = await given([
      says(ada, group, 1, 'The crème brûlée was good'),
      says(bob, pair, 2, 'good Creme, good soup'),
      says(ada, group, 3, { type: 'Media', mediaUrl: 'https://x/y', mediaType: 'image', mimeType: null, altText: 'A creamy soup' }),
      says(cyd, group, 4, {
        type: 'Reply',
        text: 'Thanks',
        quoted: { messageId: id(1), senderId: ada, createdAt: timestamp(0), body: { type: 'Text', text: 'The crème brûlée was good' } },
      }),
    ]);
    expect(await found(instance, 'CREME ')).toEqual([2, 1]);
    expect(await found(instance, 'crea')).toEqual([3]);
    expect(await found(instance, 'good creme')).toEqual([2, 1]);
    expect(await found(instance, '"good creme"')).toEqual([2]);
    expect(await found(instance, 'good -soup')).toEqual([1]);
    expect(await found(instance, 'good -"brulee was"')).toEqual([2]);
    expect(await found(instance, 'thanks')).toEqual([4]);
  });

  it('looks where and for whom it is asked to', async () => {
    const instance = await given([
      says(ada, group, 1, 'tea'),
      says(bob, group, 2, 'tea'),
      says(bob, pair, 3, 'tea'),
      says(cyd, group, 4, 'tea'),
    ]);
    expect(await found(instance, 'tea', { rooms: [{ roomId: group, visibleAfter: 1 }] })).toEqual([4, 2]);
    expect(await found(instance, 'tea', { rooms: [] })).toEqual([]);
    expect(await found(instance, 'tea', { from: bob })).toEqual([3, 2]);
    expect(await found(instance, 'tea', { notFrom: [bob] })).toEqual([4, 1]);
    expect(await found(instance, 'tea', { before: timestamp(Date.UTC(2026, 0, 1, 0, 0, 4)) })).toEqual([1]);
    // Neither a room's nor a sender's lexeme is a word.
    for (const word of ['r', 'u', ':r', `r${group.replaceAll('-', '')}`]) expect(await found(instance, word)).toEqual([]);
  });

  it('follows edits, deletes and erasure, and a closed room', async () => {
    const told = [
      says(ada, group, 1, 'tea'),
      says(bob, group, 2, 'tea'),
      says(cyd, group, 3, 'tea'),
      says(ada, pair, 4, 'tea'),
      edits(ada, group, 1, 'coffee'),
      deletes(bob, group, 2),
      edits(cyd, group, 3, 'tea and cake'),
      erased(cyd),
      deletes(cyd, group, 99),
    ];
    for (const pageSize of [1, 4, 100]) {
      const instance = await given(told, pageSize);
      expect(await found(instance, 'tea')).toEqual([4]);
      expect(await found(instance, 'coffee')).toEqual([1]);
      const closed = await given(
        [
          ...told,
          ...[ada, bob, cyd].map((user) => leaves(user, group, 'Group')),
          { type: 'RoomClosed', data: { roomId: group } },
          says(ada, group, 5, 'tea'),
        ],
        pageSize,
      );
      expect(await found(closed, 'tea coffee')).toEqual([]);
      expect(await found(closed, 'tea')).toEqual([4]);
    }
  });

  it('is the same after erasure as if it were built when the words could no longer be read', async () => {
    const before = [says(cyd, group, 1, 'tea'), says(ada, group, 2, 'tea'), edits(cyd, group, 1, 'cake'), erased(cyd)];
    const shredded = before.map((event): TidingsEvent =>
      (event.type === 'MessageSent' || event.type === 'MessageEdited') && event.data.senderId === cyd
        ? ({ ...event, data: { ...event.data, body: SHREDDED } } as TidingsEvent) // the same event without its body
        : event,
    );
    expect(await (await given(before)).dump()).toEqual(await (await given(shredded)).dump());
  });

  it('reads what Postgres could stumble over', async () => {
    const words = `\u0000 ' '' \\ \\' : :* & | ! <-> ( ) \ud83d ${'x'.repeat(3000)} %_ \n\r tea`;
    const instance = await given([says(ada, group, 1, words), says(ada, group, 2, 'na '.repeat(1300))]);
    expect(await found(instance, 'tea')).toEqual([1]);
    expect(await found(instance, "'tea' & :*")).toEqual([1]);
    expect(await found(instance, '"na na na"')).toEqual([2]);
  });
});

describe('any search', () => {
  const people = [ada, bob, cyd];
  const places = [group, pair, ...Array.from({ length: 3 }, (_, n) => derivedId<RoomId>('place', n))];
  const WORDS = ['tea', 'team', 'te', 'Thé', 'coffee', 'cof', 'cake', '蛋糕', "don't", '🎂'];
  const chosen = fc.constantFrom(...WORDS);
  const sentence = fc.array(chosen, { minLength: 1, maxLength: 6 }).map((words) => words.join(' '));
  const message = fc.record({ room: fc.constantFrom(...places), sender: fc.constantFrom(...people), text: sentence });
  const part = fc.oneof(
    { weight: 5, arbitrary: chosen },
    sentence.map((words) => `"${words}"`),
    chosen.map((word) => `-${word}`),
    sentence.map((words) => `-"${words}"`),
    fc.string({ unit: 'binary', maxLength: 8 }),
  );
  const typed = fc
    .tuple(chosen, fc.array(part, { maxLength: 3 }), fc.constantFrom('', ' '))
    .map(([first, more, end]) => [...more, first].join(' ') + end);
  const question = fc.record({
    typed,
    rooms: fc.array(fc.record({ roomId: fc.constantFrom(...places), visibleAfter: fc.constantFrom(0, 0, 2, 5) }), {
      minLength: 1,
      maxLength: 5,
    }),
    from: fc.option(fc.constantFrom(...people), { freq: 3 }),
    notFrom: fc.subarray(people, { maxLength: 1 }),
    before: fc.option(fc.integer({ min: 0, max: 60 }), { freq: 3 }),
    limit: fc.integer({ min: 1, max: 7 }),
  });

  it('finds, page by page, exactly what looking at every message finds', async () => {
    const START_OF_TIME = Date.UTC(2026, 0, 1);
    const opened = places.map((room) => created(room, 'Group', people));
    await fc.assert(
      fc.asyncProperty(
        fc.array(message, { minLength: 20, maxLength: 60 }),
        fc.array(question, { minLength: 10, maxLength: 20 }),
        async (sent, asked) => {
          const instance = await bench.fresh(messageSearch);
          const events = recorded([...opened, ...sent.map((one, n) => says(one.sender, one.room, n, one.text))], 0.4); // some share a millisecond
          await instance.apply(events, 25);
          const counts = new Map<RoomId, number>();
          const all = sent.map((one, n): PlainMessage => {
            const seq = (counts.get(one.room) ?? 0) + 1;
            counts.set(one.room, seq);
            const createdAt = events[opened.length + n]?.recordedAt ?? timestamp(0);
            return { createdAt, roomId: one.room, seq, messageId: id(n), senderId: one.sender, text: one.text };
          });
          for (const { typed: q, rooms: where, before, ...more } of asked) {
            const parsed = parseQuery(q);
            if (E.isLeft(parsed)) continue;
            const distinct = [...new Map(where.map((room) => [room.roomId, room])).values()];
            const first: MessageQuestion = {
              ...more,
              query: parsed.right,
              rooms: distinct,
              before: before === null ? null : timestamp(START_OF_TIME + before),
              after: null,
            };
            const pages: MessageHit[] = [];
            for (let after: MessageHit | null = null; ;) {
              const page: readonly MessageHit[] = await find(instance, { ...first, after });
              pages.push(...page);
              after = page.at(-1) ?? null;
              if (after === null || page.length < first.limit) break;
            }
            expect(pages, q).toEqual(plainSearch(all, { ...first, limit: Number.POSITIVE_INFINITY }));
          }
        },
      ),
      { numRuns: 15 },
    );
  }, 60_000);
});
