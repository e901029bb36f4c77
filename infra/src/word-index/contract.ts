/** What every word index promises; each adapter's test runs it. */
import { randomUUID } from 'node:crypto';
import type { Position } from '@tidings/contracts/ports/event-log';
import {
  type WordChange,
  type WordEntry,
  type WordIndex,
  WordIndexMissing,
  type WordQuery,
  type WordQuestion,
} from '@tidings/contracts/ports/word-index';
import { timestamp } from '@tidings/contracts/time';
import { describe, expect, it } from 'vitest';

const position = (n: number): Position => String(n).padStart(16, '0') as Position;
const START = Date.UTC(2026, 0, 1);
/** Each word at its place, after those that stand nowhere. */
const entry = (id: string, text: string, more: Partial<WordEntry> & { readonly nowhere?: readonly string[] } = {}): WordEntry => {
  const { nowhere = [], ...fields } = more;
  const words = new Map<string, number[]>(nowhere.map((word) => [word, []]));
  for (const [at, word] of text.split(' ').entries()) words.set(word, [...(words.get(word) ?? []), at + 1]);
  return { id, at: timestamp(START), tie: id, keys: ['here'], words, ...fields };
};
const put = (n: number, one: WordEntry): WordChange => ({ kind: 'put', version: position(n), entry: one });
const remove = (n: number, id: string): WordChange => ({ kind: 'remove', version: position(n), id });
const word = (of: string) => ({ kind: 'word', word: of }) as const;
const beginning = (of: string) => ({ kind: 'beginning', word: of }) as const;
const all: WordQuestion = {
  ...{ query: null, within: [['here']], without: [], from: null, until: null, after: null, limit: 100, judge: [] },
};

/** @param open gives the index, the same each time */
export const wordIndexContract = (name: string, open: () => WordIndex): void => {
  const given = async (...changes: readonly WordChange[]): Promise<string> => {
    const index = `t_${randomUUID().slice(0, 8)}`;
    await open().make(index);
    await open().write(index, changes);
    await open().settle(index);
    return index;
  };
  const found = async (index: string, question: Partial<WordQuestion>) =>
    (await open().find(index, { ...all, ...question })).map(({ id }) => id);

  describe(`word index: ${name}`, () => {
    it('finds words, beginnings and runs of them, and what is made of these', async () => {
      const index = await given(
        put(1, entry('a', 'good tea and cake')),
        put(2, entry('b', 'tea good team', { nowhere: ['~ca', ':z4'] })),
        put(3, entry('c', `crème 東 京 ${'x'.repeat(64)} o'n\\e|"i*?`)),
        put(4, {
          ...entry('e', 'molly andrews'),
          words: new Map([
            ['molly', [1]],
            ['~olly', [1]],
            ['andrews', [2]],
            ['~ndrews', [2]],
          ]),
        }),
      );
      const cases: readonly (readonly [WordQuery, readonly string[]])[] = [
        [word('tea'), ['b', 'a']],
        [word('te'), []],
        [beginning('te'), ['b', 'a']],
        [beginning('team'), ['b']],
        [beginning('x'.repeat(40)), ['c']],
        [beginning('x'.repeat(65)), []],
        [beginning('~c'), ['b']],
        [word(`o'n\\e|"i*?`), ['c']],
        [beginning(`o'n\\e|"i*`), ['c']],
        [word('creme'), []],
        [{ kind: 'run', of: [word('good'), word('tea')] }, ['a']],
        [{ kind: 'run', of: [word('good'), beginning('te')] }, ['b', 'a']],
        [{ kind: 'run', of: [word('東'), word('京')] }, ['c']],
        [{ kind: 'run', of: [word('京'), beginning('x'.repeat(30))] }, ['c']],
        [{ kind: 'run', of: [{ kind: 'any', of: [word('and'), beginning('goo')] }, beginning('c')] }, ['a']],
        [{ kind: 'run', of: [word('~ca'), word('tea')] }, []],
        [beginning('and'), ['e', 'a']],
        [beginning('~ol'), ['e']],
        [beginning('~o'), ['e']],
        [word('~olly'), ['e']],
        [word('olly'), []],
        [{ kind: 'run', of: [word('~olly'), word('andrews')] }, ['e']],
        [{ kind: 'run', of: [word('molly'), word('~ndrews')] }, ['e']],
        [
          {
            kind: 'run',
            of: [
              { kind: 'any', of: [word('good'), beginning('~ol')] },
              { kind: 'any', of: [beginning('andr'), word('tea')] },
            ],
          },
          ['e', 'a'],
        ],
        [{ kind: 'all', of: [word('tea'), word('cake')] }, ['a']],
        [{ kind: 'any', of: [word('cake'), word('team')] }, ['b', 'a']],
        [{ kind: 'not', query: word('cake') }, ['e', 'c', 'b']],
        [{ kind: 'all', of: [word('tea'), { kind: 'not', query: { kind: 'any', of: [word('cake'), word('none')] } }] }, ['b']],
      ];
      for (const [query, expected] of cases) expect([query, await found(index, { query })]).toEqual([query, expected]);
      const judge = [word('cake'), { kind: 'not', query: word('good') } as const];
      expect((await open().find(index, { ...all, judge })).map(({ id, met }) => [id, met])).toEqual([
        ['e', [false, true]],
        ['c', [false, true]],
        ['b', [false, false]],
        ['a', [true, false]],
      ]);
    });

    it('finds within keys and times, newest first, page by page', async () => {
      const at = (n: number) => timestamp(START + n);
      const index = await given(
        put(1, entry('a', 'tea', { at: at(0), tie: '2', keys: ['r', 'u'] })),
        put(2, entry('b', 'tea', { at: at(0), tie: '1', keys: ['r', 'v'] })),
        put(3, entry('c', 'tea', { at: at(1), tie: '0', keys: ['s', 'u'] })),
        put(4, entry('d', 'tea', { at: timestamp(-5), tie: '9', keys: ['s', 'v'] })),
      );
      const both = [['r', 's', 'none']];
      expect(await found(index, { within: both })).toEqual(['c', 'a', 'b', 'd']);
      expect(await found(index, { within: [['r'], ['u']] })).toEqual(['a']);
      expect(await found(index, { within: both, without: ['u', 'none'] })).toEqual(['b', 'd']);
      expect(await found(index, { within: both, from: at(0), until: at(1) })).toEqual(['a', 'b']);
      expect(await found(index, { within: [Array.from({ length: 70_000 }, (_, n) => (n === 69_999 ? 's' : `k${n}`))] })).toEqual([
        'c',
        'd',
      ]);
      const [first, second] = await open().find(index, { ...all, within: both, limit: 2 });
      expect([first?.at, first?.tie, second?.id]).toEqual([at(1), '0', 'a']);
      expect(await found(index, { within: both, after: second ?? null })).toEqual(['b', 'd']);
    });

    it('keeps the latest of each entry, however often and in whatever order changes come', async () => {
      const index = await given(put(5, entry('a', 'tea')), put(6, entry('b', 'tea')), put(7, entry('c', 'tea')), put(8, entry('d', 'tea')));
      const changes = [put(9, entry('a', 'coffee')), put(4, entry('b', 'coffee')), remove(10, 'c'), remove(3, 'd'), remove(11, 'none')];
      for (const again of [changes, changes.toReversed(), changes]) {
        await open().write(index, again);
        await open().settle(index);
        expect(await found(index, { query: word('tea') })).toEqual(['d', 'b']);
        expect(await found(index, { query: word('coffee') })).toEqual(['a']);
        expect(await open().count(index)).toBe(3);
      }
      await open().write(index, [put(7, entry('c', 'tea')), put(12, entry('e', 'tea')), remove(13, 'e'), put(14, entry('e', 'milk'))]);
      await open().settle(index);
      expect(await found(index, {})).toEqual(['e', 'd', 'b', 'a']);
      expect(await found(index, { query: word('milk') })).toEqual(['e']);
    });

    it('is not there before it is made, nor after it is removed', async () => {
      const index = `t_${randomUUID().slice(0, 8)}`;
      const missing = async (): Promise<void> => {
        await expect(open().find(index, all)).rejects.toThrow(WordIndexMissing);
        await expect(open().count(index)).rejects.toThrow(WordIndexMissing);
        await expect(open().write(index, [put(1, entry('a', 'tea'))])).rejects.toThrow(WordIndexMissing);
      };
      await missing();
      await Promise.all([open().make(index), open().make(index)]);
      await open().write(index, [put(1, entry('a', 'tea'))]);
      await open().settle(index);
      await open().make(index);
      expect(await found(index, {})).toEqual(['a']);
      await open().remove([index, 't_none']);
      await open().remove([index]);
      await missing();
    });
  });
};
