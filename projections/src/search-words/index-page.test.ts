import type { ProjectionTx } from '@tidings/contracts/projection';
import { WordEntryRefused, type WordIndex, WordIndexMissing, WordIndexUnavailable } from '@tidings/contracts/ports/word-index';
import type { Recorded } from '@tidings/contracts/events/index';
import { parseMailQuery } from '@tidings/contracts/mail-query/parse';
import { memoryWordIndex } from '@tidings/infra/word-index/memory';
import * as E from 'fp-ts/lib/Either.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openProjectionBench, recorded, type Instance, type RunningProjection } from '../../../tests/kit/projection.ts';
import { indexedMailSearch, mailSearch, wordsInIndex } from '../mail-search/index.ts';
import { filed, mailboxOf, reader, threadOf, WrittenTexts } from '../mail-search/testing/mails.ts';
import { indexOf, isIndexed, whatIndexLacks } from './index-page.ts';

let bench: RunningProjection;
beforeAll(async () => {
  bench = await openProjectionBench();
});
afterAll(() => bench.close());

const given = async (index: WordIndex) => {
  const texts = new WrittenTexts();
  const projection = mailSearch(texts, wordsInIndex(index));
  const instance = await bench.fresh(projection);
  const unshared = { threadId: threadOf(2), mailboxId: mailboxOf(0), heldBy: [], by: reader };
  const events = recorded([
    filed(1, { thread: 1, body: 'tea' }, texts),
    filed(2, { thread: 2, body: 'tea' }, texts),
    { type: 'ThreadUnshared', data: unshared },
    filed(3, { thread: 3, body: 'tea and cake' }, texts),
  ]);
  /** As the projector does it, but the last moment before the commit is the end of it. */
  const applyAndCrash = async (page: readonly Recorded[]): Promise<void> => {
    const client = await bench.pool.connect();
    const tx: ProjectionTx = {
      schema: instance.schema,
      query: async <Row extends object>(text: string, values?: readonly unknown[]) =>
        (await client.query<Row>(text, values === undefined ? [] : [...values])).rows,
    };
    try {
      await client.query('begin');
      await projection.apply(page, tx);
    } finally {
      await client.query('rollback');
      client.release();
    }
  };
  return { instance, events, applyAndCrash };
};

const found = async ({ schema }: Instance, index: WordIndex, q: string): Promise<number> => {
  const query = E.getOrElseW((): never => {
    throw new Error(`"${q}" is no query`);
  })(parseMailQuery(q));
  const question = { query, searcher: reader, mailboxes: [mailboxOf(0)], now: 0 };
  const search = indexedMailSearch({ read: bench.read, liveSchema: () => schema }, index);
  return (await search.find(question, { after: null, limit: 10 })).hits.length;
};

describe('words in an index', () => {
  it('are the same after any crash between index and checkpoint', async () => {
    const index = memoryWordIndex();
    const { instance, events, applyAndCrash } = await given(index);
    expect(await found(instance, index, 'tea')).toBe(0);
    await applyAndCrash(events);
    expect(await found(instance, index, 'tea')).toBe(0); // the index is ahead, and nobody can tell
    await applyAndCrash(events.slice(0, 2));
    await instance.apply(events, 1);
    await applyAndCrash(events);
    expect(await found(instance, index, 'tea')).toBe(2);
    expect(await found(instance, index, 'cake')).toBe(1);
    expect(await index.count(indexOf(instance.schema))).toBe(2);
  });

  it('are missed when the index is gone, and no empty one takes its place', async () => {
    const index = memoryWordIndex();
    const { instance, events, applyAndCrash } = await given(index);
    await instance.apply(events.slice(0, 3));
    await index.remove([indexOf(instance.schema)]);
    await expect(found(instance, index, 'tea')).rejects.toThrow(WordIndexMissing);
    await expect(applyAndCrash(events.slice(3))).rejects.toThrow(WordIndexMissing);
  });

  it('leave the tables as they are while the engine is away', async () => {
    const index = memoryWordIndex();
    let isAway = true;
    const shaky: WordIndex = {
      ...index,
      settle: (name) => (isAway ? Promise.reject(new WordIndexUnavailable('away')) : index.settle(name)),
    };
    const { instance, events, applyAndCrash } = await given(shaky);
    await expect(applyAndCrash(events)).rejects.toThrow(WordIndexUnavailable);
    isAway = false;
    await instance.apply(events);
    expect(await found(instance, shaky, 'tea')).toBe(2);
  });

  it('go to the engine part by part, and what becomes of each part is heard of', async () => {
    const index = memoryWordIndex();
    const sizes: number[] = [];
    let underWay = 0;
    let refuse = true;
    const slow: WordIndex = {
      ...index,
      write: async (name, changes) => {
        sizes.push(changes.length);
        expect(++underWay).toBe(1);
        await new Promise(setImmediate);
        underWay--;
        if (refuse && sizes.length === 1) throw new WordEntryRefused('not this one');
        await index.write(name, changes);
      },
    };
    const { instance, applyAndCrash } = await given(slow);
    const texts = new WrittenTexts();
    const many = recorded(Array.from({ length: 1_100 }, (_, nth) => filed(nth + 10, { thread: nth + 10, body: 'tea' }, texts)));
    await expect(applyAndCrash(many)).rejects.toThrow(new WordEntryRefused('not this one'));
    refuse = false;
    sizes.length = 0;
    await instance.apply(many, 2_000);
    expect(sizes).toEqual([500, 500, 100]);
    expect(await index.count(indexOf(instance.schema))).toBe(1_100);
  });

  it('lack something when there are fewer than rows', async () => {
    const index = memoryWordIndex();
    const { instance, events } = await given(index);
    const db = { query: async <Row extends object>(text: string) => (await bench.pool.query<Row>(text)).rows };
    const lack = () => whatIndexLacks(index, 'email', instance.schema, db);
    expect(await lack()).toBe(null);
    await instance.apply(events);
    expect(await lack()).toBe(null);
    const last = events.at(-1);
    const id = [
      ...(await index.find(indexOf(instance.schema), {
        query: null,
        within: [],
        without: [],
        from: null,
        until: null,
        after: null,
        limit: 1,
        judge: [],
      })),
    ][0]?.id;
    if (last === undefined || id === undefined) throw new Error('nothing was written');
    await index.write(indexOf(instance.schema), [{ kind: 'remove', version: '9999999999999999' as typeof last.position, id }]);
    await index.settle(indexOf(instance.schema));
    expect(await lack()).toMatch(/has 1 entries for 2 rows$/);
  });

  it('are known by the version of their projection', () => {
    expect(['"mail_search_v101_g1"', 'mail_search_v102_g12'].map(isIndexed)).toEqual([true, true]);
    expect(['"mail_search_v2_g101"', '"mail-search"'].map(isIndexed)).toEqual([false, false]);
  });
});
