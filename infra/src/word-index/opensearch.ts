/**
 * `WordIndex` on OpenSearch. An index is reached by an alias of its name, so that it can be laid out anew behind it. Entries carry the position of their change as
 * their version: what comes again, or late, is turned away there (409), and that is as good as done.
 */
import { Client, errors } from '@opensearch-project/opensearch';
import type { Position } from '@tidings/contracts/ports/event-log';
import {
  WordEntryRefused,
  type WordChange,
  type WordHit,
  type WordIndex,
  WordIndexMissing,
  WordIndexUnavailable,
} from '@tidings/contracts/ports/word-index';
import { timestamp } from '@tidings/contracts/time';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { OpenSearchSettings } from '../config/opensearch.ts';
import { documentOf, MAPPINGS, metBy, searchOf, settings } from './opensearch-form.ts';

/** Long enough for a busy node, short enough for who waits for an answer. */
const READ_TIMEOUT_MS = 10_000;
const WRITE_TIMEOUT_MS = 30_000;
/** Items that the engine has no room for are sent again so often, with longer pauses; then the page is, by whoever writes it. */
const ITEM_ATTEMPTS = 4;
const FIRST_PAUSE_MS = 100;
/** Characters of one request, about. */
const REQUEST_CHARS = 8_000_000;

export interface OpenSearchIndex extends WordIndex {
  close(): Promise<void>;
}

/** Does not wait for the engine to be there. @throws when the file of an authority cannot be read */
export const openSearchIndex = ({ url, prefix, shards, caFile }: OpenSearchSettings): OpenSearchIndex => {
  const client = new Client({
    node: url,
    maxRetries: 1,
    requestTimeout: READ_TIMEOUT_MS,
    ...(caFile === null ? {} : { ssl: { ca: readFileSync(caFile) } }),
  });
  const aliasOf = (index: string): string => `${prefix}-${index}`;

  const bulk = async (alias: string, items: readonly Item[]): Promise<readonly Outcome[]> => {
    const response = await asked(() =>
      client.bulk(
        {
          index: alias,
          require_alias: true,
          body: items.flatMap(({ action, document }) => (document === null ? [action] : [action, document])),
        },
        { requestTimeout: WRITE_TIMEOUT_MS },
      ),
    );
    return response.body.items.map((item): Outcome => {
      const { status = 0, error } = item['index'] ?? item['delete'] ?? {};
      return { status, type: error?.type ?? '', reason: error === undefined ? '' : reasonOf(error) };
    });
  };

  /** Those that the engine had no room for are sent again. */
  const send = async (alias: string, items: readonly Item[]): Promise<void> => {
    let open = items;
    for (let attempt = 1; ; attempt++) {
      const outcomes = await bulk(alias, open);
      const failed = open.flatMap((item, at) => {
        const outcome = outcomes[at];
        return outcome === undefined || isDone(item, outcome) ? [] : [{ item, outcome }];
      });
      const missing = failed.find(({ outcome }) => outcome.type === NO_INDEX);
      if (missing !== undefined) throw missingIndex(alias);
      const refused = failed.find(({ outcome }) => !isTransient(outcome.status));
      if (refused !== undefined)
        throw new WordEntryRefused(`the search index ${alias} refuses ${refused.item.id}: ${refused.outcome.reason}`);
      if (failed.length === 0) return;
      if (attempt === ITEM_ATTEMPTS) {
        throw new WordIndexUnavailable(`OpenSearch has no room for ${failed.length} entries: ${failed[0]?.outcome.reason ?? ''}`);
      }
      await delay(FIRST_PAUSE_MS * 2 ** attempt * (0.5 + Math.random() / 2));
      open = failed.map(({ item }) => item);
    }
  };

  /** The template of all our indexes, and the index; a second one that makes it at the same time changes nothing. */
  const make = async (index: string): Promise<void> => {
    const alias = aliasOf(index);
    if ((await asked(() => client.indices.existsAlias({ name: alias }))).body) return;
    await asked(() =>
      client.indices.putIndexTemplate({
        name: `${prefix}-words`,
        body: {
          index_patterns: [`${prefix}-*`],
          priority: prefix.length, // of two prefixes of which one begins with the other, the longer one's is meant
          template: { settings: { index: settings(shards) }, mappings: MAPPINGS },
        },
      }),
    );
    await asked(() => client.indices.create({ index: `${alias}-1`, body: { aliases: { [alias]: {} } } })).catch((error: unknown) => {
      if (
        !(
          error instanceof Error &&
          error.cause instanceof errors.ResponseError &&
          typeOf(error.cause) === 'resource_already_exists_exception'
        )
      )
        throw error;
    });
  };

  return {
    make,
    write: async (index, changes) => {
      const alias = aliasOf(index);
      for (const items of requestsOf(lastOfEach(changes))) await send(alias, items);
    },
    settle: async (index) => {
      await asked(() => client.indices.refresh({ index: aliasOf(index) }, { requestTimeout: WRITE_TIMEOUT_MS }), aliasOf(index));
    },
    find: async (index, question) => {
      const { body } = await asked(
        () => client.search({ index: aliasOf(index), allow_partial_search_results: false, body: searchOf(question) }),
        aliasOf(index),
      );
      return body.hits.hits.map((hit): WordHit => {
        const [at, tie] = hit.sort ?? [];
        if (hit._id === undefined || typeof at !== 'number' || typeof tie !== 'string')
          throw new Error('OpenSearch gave a hit without its place');
        return {
          id: hit._id,
          at: timestamp(at),
          tie,
          met: metBy(Array.isArray(hit.matched_queries) ? hit.matched_queries : [], question.judge.length),
        };
      });
    },
    count: async (index) => (await asked(() => client.count({ index: aliasOf(index) }), aliasOf(index))).body.count,
    remove: async (indexes) => {
      const ours = (await asked(() => client.indices.getAlias({ name: `${prefix}-*` }, { ignore: [404] }))).body;
      const gone = new Set(indexes.map(aliasOf));
      const names = Object.entries(ours).flatMap(([name, index]) =>
        Object.keys(index.aliases ?? {}).some((alias) => gone.has(alias)) ? [name] : [],
      );
      for (const name of names) await asked(() => client.indices.delete({ index: name, ignore_unavailable: true }));
    },
    close: () => client.close(),
  };
};

interface Item {
  readonly id: string;
  readonly action: Readonly<Record<string, object>>;
  readonly document: ReturnType<typeof documentOf> | null;
}

interface Outcome {
  readonly status: number;
  readonly type: string;
  readonly reason: string;
}

/** The engine takes changes of one entry in any order. */
const lastOfEach = (changes: readonly WordChange[]): readonly WordChange[] => {
  const last = new Map<string, WordChange>();
  for (const change of changes) {
    const id = change.kind === 'put' ? change.entry.id : change.id;
    if ((last.get(id)?.version ?? '') < change.version) last.set(id, change);
  }
  return [...last.values()];
};

const requestsOf = function* (changes: readonly WordChange[]): Generator<readonly Item[]> {
  let items: Item[] = [];
  let chars = 0;
  for (const change of changes) {
    const item = itemOf(change);
    items.push(item);
    chars += (item.document?.words.length ?? 0) + (item.document?.stand_ins?.length ?? 0);
    if (chars < REQUEST_CHARS) continue;
    yield items;
    items = [];
    chars = 0;
  }
  if (items.length > 0) yield items;
};

const itemOf = (change: WordChange): Item => {
  const versioned = (_id: string) => ({ _id, version: versionOf(change.version), version_type: 'external' });
  return change.kind === 'put'
    ? { id: change.entry.id, action: { index: versioned(change.entry.id) }, document: documentOf(change.entry) }
    : { id: change.id, action: { delete: versioned(change.id) }, document: null };
};

/** Positions begin with sixteen digits that sort as they count, in every log. @throws RangeError */
const versionOf = (position: Position): number => {
  const version = Number(position.slice(0, 16));
  if (!Number.isSafeInteger(version)) throw new RangeError(`the position ${position} is beyond the versions of OpenSearch's entries`);
  return version;
};

const CONFLICT = 409;
const NOT_FOUND = 404;
const isDone = ({ document }: Item, { status, type }: Outcome): boolean =>
  status < 300 || status === CONFLICT || (document === null && status === NOT_FOUND && type !== NO_INDEX);

const isTransient = (status: number): boolean => status === 429 || status === 502 || status === 503 || status === 504;

const NO_INDEX = 'index_not_found_exception';
const missingIndex = (alias: string): WordIndexMissing =>
  new WordIndexMissing(`there is no search index ${alias}; "tidings projections replay" builds one`);

/** @throws WordIndexMissing, WordIndexUnavailable; whatever else the engine says, as it says it */
const asked = async <A>(ask: () => PromiseLike<A>, alias = ''): Promise<A> => {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof errors.ResponseError) {
      if (typeOf(error) === NO_INDEX) throw missingIndex(alias);
      if (isTransient(error.statusCode ?? 0))
        throw new WordIndexUnavailable(`OpenSearch is overloaded: ${error.message}`, { cause: error });
      if (error.statusCode === 401 || error.statusCode === 403) {
        throw new WordIndexUnavailable(`OpenSearch does not let us in: ${error.message}`, { cause: error });
      }
      throw new Error(`OpenSearch says: ${error.message}`, { cause: error });
    }
    if (error instanceof errors.OpenSearchClientError)
      throw new WordIndexUnavailable(`OpenSearch cannot be reached: ${error.message}`, { cause: error });
    throw error;
  }
};

const typeOf = ({ body }: errors.ResponseError): string => {
  const error: unknown = typeof body === 'object' && body !== null && 'error' in body ? body.error : null;
  return typeof error === 'object' && error !== null && 'type' in error && typeof error.type === 'string' ? error.type : '';
};

const reasonOf = (error: { readonly reason?: string | null; readonly caused_by?: { readonly reason?: string | null } }): string =>
  [error.reason, error.caused_by?.reason]
    .filter((part) => part !== undefined && part !== null)
    .join(': ')
    .slice(0, LONGEST_REASON);
/** Operators read it; the engine says some things twice. */
const LONGEST_REASON = 300;
