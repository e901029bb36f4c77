/** The search for mail over an index of words, whatever engine that is. */
import type { WordIndex } from '@tidings/contracts/ports/word-index';
import { indexedMailSearch, type IndexThresholds, mailSearch, wordsInIndex } from '../index.ts';
import type { MailSearchEngine } from './contract.ts';

/** So small that a page takes several looks, and is short now and then. */
const EARLY: IndexThresholds = { step: 2, most: 5, fewThreads: 2 };

/** @param runs of random mails and queries */
export const indexEngine = (name: string, index: WordIndex, runs: number): MailSearchEngine => ({
  name,
  projection: (texts) => mailSearch(texts, wordsInIndex(index)),
  searches: (models) => [
    [indexedMailSearch(models, index), 100],
    [indexedMailSearch(models, index, EARLY), 3],
  ],
  rows: 1,
  runs,
});
