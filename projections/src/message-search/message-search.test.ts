import { memoryWordIndex } from '@tidings/infra/word-index/memory';
import { messageSearch, postgresMessageSearch, type Thresholds } from './index.ts';
import { messageSearchContract } from './testing/contract.ts';
import { indexEngine } from './testing/index-engine.ts';

/** So small that every way of searching has its turn. */
const EARLY: Thresholds = { firstLook: 6, longLook: 15, rare: 4, few: 20 };

messageSearchContract({
  name: 'Postgres',
  projection: messageSearch,
  searches: (models) => [postgresMessageSearch(models), postgresMessageSearch(models, EARLY)],
  runs: 10,
});
messageSearchContract(indexEngine('an index in memory', memoryWordIndex(), 6));
