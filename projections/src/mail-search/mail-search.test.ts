import { parseMailQuery } from '@tidings/contracts/mail-query/parse';
import { memoryWordIndex } from '@tidings/infra/word-index/memory';
import * as E from 'fp-ts/lib/Either.js';
import { describe, expect, it } from 'vitest';
import { mailSearch, mailSnippet, type MailThresholds, postgresMailSearch, wordsInTable } from './index.ts';
import { mailSearchContract } from './testing/contract.ts';
import { indexEngine } from './testing/index-engine.ts';

/** So small that every way of searching has its turn. */
const EARLY: MailThresholds = {
  ...{
    firstLook: 2,
    secondLook: 3,
    frequent: 1,
    look: 2,
    mostLooked: 5,
    withoutWords: 1,
    firstStretch: 2,
    stretchHits: 2,
    mostHits: 4,
    fewThreads: 2,
  },
};
/** The index of words is asked for all that it has at once. */
const WIDE: MailThresholds = { ...EARLY, secondLook: 0, frequent: 100, firstStretch: 1_000, mostHits: 1_000, fewThreads: 100 };

mailSearchContract({
  name: 'Postgres',
  projection: (texts, segment) => mailSearch(texts, wordsInTable(segment)),
  searches: (models) => [
    [postgresMailSearch(models), 100],
    [postgresMailSearch(models, EARLY), 3],
    [postgresMailSearch(models, WIDE), 7],
  ],
  rows: 2,
  runs: 8,
});
mailSearchContract(indexEngine('an index in memory', memoryWordIndex(), 4));

const queryOf = (typed: string) =>
  E.getOrElseW((): never => {
    throw new Error(`"${typed}" is no query`);
  })(parseMailQuery(typed));

describe('a snippet', () => {
  it('shows the word that was found, also with another ending', () => {
    expect(mailSnippet(`${'x '.repeat(100)}the invoices of May`, queryOf('invoice'))).toContain('invoices');
    expect(mailSnippet('Nos chevaux', queryOf('cheval'))).toBe('Nos chevaux');
    expect(mailSnippet('Hello', queryOf('from:ann'))).toBe(null);
    expect(mailSnippet('Hello', queryOf('-hello world'))).toBe(null);
  });
});
