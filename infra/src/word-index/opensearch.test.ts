import { createServer, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import type { AddressInfo } from 'node:net';
import { WordEntryRefused, WordIndexUnavailable } from '@tidings/contracts/ports/word-index';
import type { Position } from '@tidings/contracts/ports/event-log';
import { timestamp } from '@tidings/contracts/time';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSearchLacks, type OpenSearchServer, startOpenSearch } from '../../../tests/kit/opensearch.ts';
import { wordIndexContract } from './contract.ts';
import { openSearchIndex, type OpenSearchIndex } from './opensearch.ts';

const lack = process.env['TIDINGS_ENGINES'] === undefined ? 'it takes long to start: npm run test:engines' : await openSearchLacks();

const change = (id: string, n = 1) => ({
  kind: 'put' as const,
  version: String(n).padStart(16, '0') as Position,
  entry: { id, at: timestamp(0), tie: id, keys: ['here'], words: new Map([['tea', [1]]]) },
});

describe.skipIf(lack !== null)(`OpenSearch${lack === null ? '' : ` (${lack})`}`, () => {
  let server: OpenSearchServer;
  let index: OpenSearchIndex;
  beforeAll(async () => {
    server = await startOpenSearch();
    index = openSearchIndex({ url: server.url, prefix: server.prefix, shards: 2, caFile: null });
  }, 600_000); // the first run fetches it
  afterAll(async () => {
    await index.close();
    await server.stop();
  });

  wordIndexContract('OpenSearch', () => index);

  it('is a real engine, and names what it refuses', async ({ annotate }) => {
    await annotate(`engines: ${server.name}`);
    await index.make('t_refusing');
    const long = { ...change('long'), entry: { ...change('long').entry, words: new Map([['x'.repeat(40_000), [1]]]) } };
    const refused = index.write('t_refusing', [change('good'), long]);
    await expect(refused).rejects.toThrow(WordEntryRefused);
    await expect(refused).rejects.toThrow(/t_refusing refuses long: .*immense term/);
    await index.settle('t_refusing');
    expect(await index.count('t_refusing')).toBe(1);
  });

  it('may be shared with an installation whose prefix begins with ours', async () => {
    const other = openSearchIndex({ url: server.url, prefix: `${server.prefix}-other`, shards: 1, caFile: null });
    for (const one of [index, other]) {
      await one.make('t_shared');
      await one.write('t_shared', [change('a')]);
      await one.settle('t_shared');
    }
    await index.remove(['t_shared']);
    expect(await other.count('t_shared')).toBe(1);
    await other.close();
  });
});

describe('an OpenSearch in trouble', () => {
  /** Answers each `_bulk` by the next of these, a status for each item in it. */
  const troubled = async (answers: readonly (readonly number[] | number)[]) => {
    const asked: (readonly string[])[] = [];
    const server = createServer((request, response) => {
      void idsIn(request).then((ids) => {
        const answer = answers[asked.length] ?? 500;
        asked.push(ids);
        response.setHeader('content-type', 'application/json');
        if (typeof answer === 'number') return response.writeHead(answer).end('{}');
        const items = answer.map((status, at) => ({
          index: { _id: ids[at], status, ...(status < 300 ? {} : { error: { type: 'some_exception', reason: 'so it is' } }) },
        }));
        return response.end(JSON.stringify({ took: 1, errors: true, items }));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo; // a TCP server has one
    const index = openSearchIndex({ url: `http://127.0.0.1:${port}`, prefix: 't', shards: 1, caFile: null });
    return { asked, index, close: () => Promise.all([index.close(), new Promise((resolve) => server.close(resolve))]) };
  };
  const idsIn = async (request: IncomingMessage): Promise<readonly string[]> =>
    [...(await text(request)).matchAll(/"_id":"(\w+)"/g)].map(([, id = '']) => id);

  it('gets those items again that it had no room for, and no others', async () => {
    const { asked, index, close } = await troubled([[201, 429, 409, 503], [503, 201], [201]]);
    await index.write(
      'x',
      ['a', 'b', 'c', 'd'].map((id) => change(id)),
    );
    expect(asked).toEqual([['a', 'b', 'c', 'd'], ['b', 'd'], ['b']]);
    await close();
  });

  it('is away when it stays so, and says which entry it refuses', async () => {
    const full = await troubled(Array.from({ length: 9 }, () => [429]));
    await expect(full.index.write('x', [change('a')])).rejects.toThrow(WordIndexUnavailable);
    expect(full.asked).toHaveLength(4);
    const refusing = await troubled([[201, 400]]);
    await expect(refusing.index.write('x', [change('a'), change('b')])).rejects.toThrow(
      new WordEntryRefused('the search index t-x refuses b: so it is'),
    );
    const broken = await troubled([503, 503, 503, 503]);
    await expect(broken.index.write('x', [change('a')])).rejects.toThrow(WordIndexUnavailable);
    for (const one of [full, refusing, broken]) await one.close();
    const away = openSearchIndex({ url: 'http://127.0.0.1:9', prefix: 't', shards: 1, caFile: null });
    await expect(away.count('x')).rejects.toThrow(WordIndexUnavailable);
    await away.close();
  });
});
