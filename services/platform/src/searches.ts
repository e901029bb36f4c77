/** Which engine answers a search: the one that the live instance of its projection keeps its words in. */
import type { MailSearch } from '@tidings/contracts/ports/mail-search';
import type { MessageSearch } from '@tidings/contracts/ports/message-search';
import { WordIndexUnavailable } from '@tidings/contracts/ports/word-index';
import { indexedMailSearch, postgresMailSearch } from '@tidings/projections/mail-search/index';
import { indexedMessageSearch, postgresMessageSearch } from '@tidings/projections/message-search/index';
import { isIndexed } from '@tidings/projections/search-words/index-page';
import type { Platform } from './platform.ts';

type Parts = Pick<Platform, 'read' | 'liveSchema' | 'wordIndex'>;

export const mailSearchOf = (platform: Parts): MailSearch => {
  const { wordIndex } = platform;
  const inPostgres = postgresMailSearch(platform);
  const inIndex = wordIndex === null ? null : indexedMailSearch(platform, wordIndex);
  const chosen = (): MailSearch => (isIndexed(platform.liveSchema('mail-search')) ? (inIndex ?? withoutIndex('mail-search')) : inPostgres);
  return {
    find: async (question, page) => chosen().find(question, page),
    within: async (question, threads, most) => chosen().within(question, threads, most),
  };
};

export const messageSearchOf = (platform: Parts): MessageSearch => {
  const { wordIndex } = platform;
  const inPostgres = postgresMessageSearch(platform);
  const inIndex = wordIndex === null ? null : indexedMessageSearch(platform, wordIndex);
  return {
    find: async (question) => {
      const isBeside = isIndexed(platform.liveSchema('message-search'));
      return (isBeside ? (inIndex ?? withoutIndex('message-search')) : inPostgres).find(question);
    },
  };
};

/** Somebody took `OPENSEARCH_URL` away first; it passes once the projection is built in Postgres. */
const withoutIndex = (projection: string): never => {
  throw new WordIndexUnavailable(`the live ${projection} keeps its words in OpenSearch, and OPENSEARCH_URL is not set`);
};
