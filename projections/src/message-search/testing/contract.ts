/** What every search for messages promises; each engine's test runs it. It finds what looking at every message finds. */
import type { TidingsEvent } from '@tidings/contracts/events/index';
import type { MessageBody } from '@tidings/contracts/events/message';
import { derivedId, type MessageId, type RoomId, type UserId } from '@tidings/contracts/ids';
import type { MessageHit, MessageQuestion, MessageSearch, SearchQuery } from '@tidings/contracts/ports/message-search';
import type { Projection } from '@tidings/contracts/projection';
import { SHREDDED } from '@tidings/contracts/sealed';
import { timestamp } from '@tidings/contracts/time';
import fc from 'fast-check';
import * as E from 'fp-ts/lib/Either.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openProjectionBench, recorded, type Instance, type RunningProjection } from '../../../../tests/kit/projection.ts';
import { ada, bob, created, cyd, group, joins, leaves, pair } from '../../chat-view/testing/room-events.ts';
import { parseQuery } from '../grammar.ts';
import type { ReadModels } from '../queries.ts';
import { plainSearch, type PlainMessage } from './plain-search.ts';

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

const queryOf = (typed: string): SearchQuery =>
  E.getOrElseW((rule: string): never => {
    throw new Error(rule);
  })(parseQuery(typed));

const ask = (typed: string, more: Partial<MessageQuestion> = {}): MessageQuestion => ({
  query: queryOf(typed),
  searcher: ada,
  room: null,
  from: null,
  notFrom: [],
  before: null,
  after: null,
  limit: 20,
  ...more,
});
/** Rooms as they go on: who is in them from where on, and what was said. */
class World {
  readonly events: TidingsEvent[] = [];
  readonly said: {
    readonly at: number;
    readonly roomId: RoomId;
    readonly seq: number;
    readonly senderId: UserId;
    readonly text: string;
  }[] = [];
  readonly #seq = new Map<RoomId, number>();
  /** Per person: the rooms they are in. */
  readonly visibleAfter = new Map(people.map((person) => [person, new Map<RoomId, number>()]));

  constructor() {
    for (const room of places) {
      const members = singles.includes(room) ? [ada, bob] : people;
      this.events.push(created(room, singles.includes(room) ? 'Single' : 'Group', members));
      for (const member of members) this.visibleAfter.get(member)?.set(room, 0);
    }
  }

  say(senderId: UserId, roomId: RoomId, text: string): void {
    this.said.push({ at: this.events.length, roomId, seq: this.#next(roomId), senderId, text });
    this.events.push(says(senderId, roomId, this.said.length, text));
  }

  /** In if they are out, out if they are in. */
  walk(user: UserId, room: RoomId): void {
    const isSingle = singles.includes(room);
    if (isSingle && user === cyd) return;
    const seq = isSingle ? (this.#seq.get(room) ?? 0) : this.#next(room); // who comes and goes is an entry of a group
    const isIn = this.visibleAfter.get(user)?.delete(room) === true;
    if (!isIn) this.visibleAfter.get(user)?.set(room, isSingle ? seq : 0);
    this.events.push(isIn ? leaves(user, room, isSingle ? 'Single' : 'Group') : joins(user, room));
  }

  #next(room: RoomId): number {
    const seq = (this.#seq.get(room) ?? 0) + 1;
    this.#seq.set(room, seq);
    return seq;
  }
}

const people = [ada, bob, cyd];
const singles = [pair, derivedId<RoomId>('other pair')];
const places = [...singles, group, derivedId<RoomId>('place'), derivedId<RoomId>('other place')];

export interface MessageSearchEngine {
  readonly name: string;
  readonly projection: Projection;
  /** The first is the usual one. */
  readonly searches: (models: ReadModels) => readonly [MessageSearch, ...(readonly MessageSearch[])];
  /** Of random rooms and questions. */
  readonly runs: number;
}

export const messageSearchContract = (engine: MessageSearchEngine): void => {
  let bench: RunningProjection;
  beforeAll(async () => {
    bench = await openProjectionBench();
  });
  afterAll(() => bench.close());

  const given = async (events: readonly TidingsEvent[], pageSize = 3): Promise<Instance> => {
    const instance = await bench.fresh(engine.projection);
    await instance.apply(recorded([...rooms, ...events]), pageSize);
    return instance;
  };
  const searchesIn = ({ schema }: Instance) => engine.searches({ read: bench.read, liveSchema: () => schema });
  const found = async (instance: Instance, typed: string, more?: Partial<MessageQuestion>) =>
    (await searchesIn(instance)[0].find(ask(typed, more))).map(({ messageId }) => [1, 2, 3, 4, 5, 6].find((n) => id(n) === messageId));

  describe(`the search for messages by ${engine.name}`, () => {
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
      expect(await found(instance, 'tea', { room: group })).toEqual([4, 2, 1]);
      expect(await found(instance, 'tea', { searcher: cyd })).toEqual([4, 2, 1]);
      expect(await found(instance, 'tea', { searcher: cyd, room: pair })).toEqual([]);
      expect(await found(instance, 'tea', { searcher: derivedId<UserId>('stranger') })).toEqual([]);
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

  describe(`any search by ${engine.name}`, () => {
    const chosen = fc.constantFrom('tea', 'team', 'te', 'Thé', 'coffee', 'cof', 'cake', '蛋糕', "don't", '🎂');
    const sentence = fc.array(chosen, { minLength: 1, maxLength: 6 }).map((words) => words.join(' '));
    const act = fc.record({
      room: fc.constantFrom(...places),
      by: fc.constantFrom(...people),
      says: fc.option(sentence, { freq: 6 }),
    });
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
      searcher: fc.constantFrom(...people),
      room: fc.option(fc.constantFrom(...places), { freq: 2 }),
      from: fc.option(fc.constantFrom(...people), { freq: 1 }),
      notFrom: fc.subarray(people, { maxLength: 1 }),
      before: fc.option(fc.integer({ min: 0, max: 60 }), { freq: 1 }),
      limit: fc.integer({ min: 1, max: 7 }),
    });

    it('finds, page by page, exactly what looking at every message finds', async () => {
      const check = async (
        acts: readonly (typeof act extends fc.Arbitrary<infer A> ? A : never)[],
        asked: readonly (typeof question extends fc.Arbitrary<infer Q> ? Q : never)[],
      ) => {
        const world = new World();
        for (const { room, by, says: words } of acts) {
          if (words === null) world.walk(by, room);
          else world.say(by, room, words);
        }
        const events = recorded(world.events, 0.4); // some share a millisecond
        const instance = await bench.fresh(engine.projection);
        await instance.apply(events, 25);
        const all = world.said.map(({ at, ...said }, n): PlainMessage => ({
          ...said,
          messageId: id(n + 1),
          createdAt: events[at]?.recordedAt ?? timestamp(0),
        }));
        for (const { typed: q, before, ...more } of asked) {
          const parsed = parseQuery(q);
          if (E.isLeft(parsed)) continue;
          const beginning = {
            ...more,
            query: parsed.right,
            before: before === null ? null : timestamp(Date.UTC(2026, 0, 1) + before),
            after: null,
          };
          const visible = world.visibleAfter.get(more.searcher) ?? new Map();
          const expected = plainSearch(all, visible, { ...beginning, limit: Number.POSITIVE_INFINITY });
          for (const search of searchesIn(instance)) expect(await pages(search, beginning), q).toEqual(expected);
        }
      };
      await fc.assert(
        fc.asyncProperty(fc.array(act, { minLength: 20, maxLength: 70 }), fc.array(question, { minLength: 10, maxLength: 20 }), check),
        { numRuns: engine.runs },
      );
    }, 120_000);

    const pages = async (search: MessageSearch, question: MessageQuestion): Promise<readonly MessageHit[]> => {
      const all: MessageHit[] = [];
      for (let after: MessageHit | null = null; ;) {
        const page: readonly MessageHit[] = await search.find({ ...question, after });
        all.push(...page);
        after = page.at(-1) ?? null;
        if (after === null || page.length < question.limit) return all;
      }
    };
  });
};
