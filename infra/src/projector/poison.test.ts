import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Recorded } from '@tidings/contracts/events/index';
import { WordEntryRefused, WordIndexMissing, WordIndexUnavailable } from '@tidings/contracts/ports/word-index';
import { classify, findCulprit } from './poison.ts';

const sqlError = (code: string): Error => Object.assign(new Error('x'), { code });

describe('what a failure means', () => {
  it.each([
    ['a lost connection', sqlError('08006'), 'transient'],
    ['a deadlock', sqlError('40P01'), 'transient'],
    ['a server shutting down', sqlError('57P01'), 'transient'],
    ['a refused connection', sqlError('ECONNREFUSED'), 'transient'],
    ['a connection that ended', new Error('Connection terminated unexpectedly'), 'transient'],
    ['a search index that is away', new WordIndexUnavailable(), 'transient'],
    ['a search index that is gone', new WordIndexMissing(), 'structural'],
    ['an entry that it refuses', new WordEntryRefused(), 'poison'],
    ['a missing table', sqlError('42P01'), 'structural'],
    ['a missing schema', sqlError('3F000'), 'structural'],
    ['a broken constraint', sqlError('23505'), 'poison'],
    ['a value out of range', sqlError('22003'), 'poison'],
    ['a bug', new TypeError('undefined is not a function'), 'poison'],
    ['a code of Node', sqlError('ERR_INVALID_ARG_TYPE'), 'poison'],
    ['something odd', 'thrown text', 'poison'],
  ])('%s', (_what, error, meaning) => {
    expect(classify(error)).toBe(meaning);
  });
});

describe('the culprit', () => {
  /** The search looks at nothing but the length of a prefix. */
  const page = (length: number): readonly Recorded[] => Array.from({ length }, (_, revision) => ({ revision }) as Recorded);

  it('is the first event that fails, found in about log2 tries', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 5_000 }), fc.nat(), async (length, seed) => {
        const bad = seed % length;
        let tries = 0;
        const found = await findCulprit(page(length), (prefix) => {
          tries += 1;
          return Promise.resolve(prefix.length <= bad);
        });
        expect(found?.revision).toBe(bad);
        expect(tries).toBeLessThanOrEqual(Math.ceil(Math.log2(length)) + 1);
      }),
      { numRuns: 100 },
    );
  });
});
