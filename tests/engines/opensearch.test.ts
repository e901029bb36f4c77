/** Search in a real OpenSearch: the sets of Postgres. */
import { openSearchIndex, type OpenSearchIndex } from '@tidings/infra/word-index/opensearch';
import { mailSearchContract } from '@tidings/projections/mail-search/testing/contract';
import { indexEngine as mailEngine } from '@tidings/projections/mail-search/testing/index-engine';
import { messageSearchContract } from '@tidings/projections/message-search/testing/contract';
import { indexEngine as messageEngine } from '@tidings/projections/message-search/testing/index-engine';
import { afterAll, beforeAll, describe } from 'vitest';
import { openSearchLacks, type OpenSearchServer, startOpenSearch } from '../kit/opensearch.ts';

const lack = process.env['TIDINGS_ENGINES'] === undefined ? 'it takes minutes: npm run test:engines' : await openSearchLacks();

describe.skipIf(lack !== null)(`search in OpenSearch${lack === null ? '' : ` (${lack})`}`, () => {
  let server: OpenSearchServer;
  let index: OpenSearchIndex;
  beforeAll(async () => {
    server = await startOpenSearch();
    index = openSearchIndex({ url: server.url, prefix: server.prefix, shards: 1, caFile: null });
  }, 600_000); // the first run fetches the engine
  afterAll(async () => {
    await index.close();
    await server.stop();
  });

  // Opened by the time that anything is asked of it.
  const late: OpenSearchIndex = {
    make: (name) => index.make(name),
    write: (name, changes) => index.write(name, changes),
    settle: (name) => index.settle(name),
    find: (name, question) => index.find(name, question),
    count: (name) => index.count(name),
    remove: (names) => index.remove(names),
    close: () => index.close(),
  };
  mailSearchContract(mailEngine('OpenSearch', late, 3));
  messageSearchContract(messageEngine('OpenSearch', late, 5));
});
