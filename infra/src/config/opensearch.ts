/** Variables about OpenSearch, which answers searches when Postgres is outgrown. */
import { optionalText, url, variable, wholeNumber } from './variable.ts';

export const openSearchVariables = {
  OPENSEARCH_URL: url('http', 'https').means(
    'The OpenSearch (2.x) that finds mail and messages by their words, such as `https://user:password@search.example:9200`; without it Postgres does.',
  ),
  OPENSEARCH_PREFIX: variable('lower-case letters, digits, `_` and `-`, a letter first', 'tidings', (name) =>
    /^[a-z][a-z0-9_-]{0,49}$/.test(name) ? name : undefined,
  ).means('What the names of our indexes begin with; another one for each installation that shares an OpenSearch.'),
  OPENSEARCH_SHARDS: wholeNumber(1, 64, 1).means('How many shards an index that is built from now on has.'),
  OPENSEARCH_CA_FILE: optionalText.means(
    'A PEM file with the authorities that may vouch for OpenSearch; without it those that Node knows.',
  ),
};

export interface OpenSearchSettings {
  /** With user and password, if it wants any. */
  readonly url: string;
  readonly prefix: string;
  readonly shards: number;
  /** A PEM file. */
  readonly caFile: string | null;
}

type Values = { readonly [K in keyof typeof openSearchVariables]: (typeof openSearchVariables)[K]['fallback'] };

export const openSearchOf = (env: Values): OpenSearchSettings | null =>
  env.OPENSEARCH_URL === null
    ? null
    : { url: env.OPENSEARCH_URL, prefix: env.OPENSEARCH_PREFIX, shards: env.OPENSEARCH_SHARDS, caFile: env.OPENSEARCH_CA_FILE };
