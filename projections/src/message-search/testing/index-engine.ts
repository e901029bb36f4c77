/** The search for messages over an index of words, whatever engine that is. */
import type { WordIndex } from '@tidings/contracts/ports/word-index';
import { indexedMessageSearch, messageSearchIn, wordsInIndex } from '../index.ts';
import type { MessageSearchEngine } from './contract.ts';

/** @param runs of random rooms and questions */
export const indexEngine = (name: string, index: WordIndex, runs: number): MessageSearchEngine => ({
  name,
  projection: messageSearchIn(wordsInIndex(index)),
  // The second takes several looks for a page that has much in it which may not be seen.
  searches: (models) => [indexedMessageSearch(models, index), indexedMessageSearch(models, index, 2)],
  runs,
});
