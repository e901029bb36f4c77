/**
 * The words of messages, where each stands, and who may see it, for search. Holds no text: what is found is shown by the timeline, so an edited,
 * deleted or erased message can never be read here.
 */
import type { Recorded } from '@tidings/contracts/events/index';
import type { MsgBody } from '@tidings/contracts/http/chat-objects';
import type { Projection, ProjectionTx } from '@tidings/contracts/projection';
import { counterTable, countedEvents, loadCounters, loadMembers, memberTable } from '../chat-view/index.ts';
import { Changes } from './changes.ts';
import type { KeptWords } from './kept-words.ts';
import { wordsInColumn } from './words-column.ts';

export * from './grammar.ts';
export * from './indexed-queries.ts';
export * from './queries.ts';
export * from './snippet.ts';
export * from './words-index.ts';

/** The keys are what `apply` finds rows by and what a search walks along: a room newest first. */
const tables = (schema: string, { column, tables: others }: KeptWords): string => `
  ${counterTable(schema)}
  ${memberTable(schema)}
  create table ${schema}.message (
    room_id uuid not null,
    created_at timestamptz not null,
    seq bigint not null,
    message_id uuid not null unique,
    sender_id uuid not null,
    ${column}
    primary key (room_id, created_at, seq)
  );
  ${others(schema)}`;

/** A person's rooms, all messages newest first, and the words. */
const indexes = (schema: string, kept: KeptWords): string => `
  create index on ${schema}.member (user_id) include (room_id) where left_at is null;
  create index on ${schema}.message (created_at, room_id, seq);
  ${kept.indexes(schema)}`;

const apply = async (page: readonly Recorded[], tx: ProjectionTx, kept: KeptWords): Promise<void> => {
  const counters = await loadCounters(page, tx);
  const members = await loadMembers(page, tx);
  const changes = new Changes();
  for (const event of page) {
    const counted = counters.count(event);
    members.apply(event, counted);
    changes.take(event, counted);
  }
  await counters.save(tx);
  await members.save(tx);
  const last = page.at(-1);
  if (last !== undefined) await kept.save(changes, counters.closed, tx, last.position);
};

export const messageSearchIn = (kept: KeptWords): Projection => ({
  name: 'message-search',
  version: kept.version,
  unhurried: true,
  handles: [...countedEvents, 'MessageEdited', 'MessageDeleted', 'SubjectErased'],
  tables: (schema) => tables(schema, kept),
  indexes: (schema) => indexes(schema, kept),
  apply: (page, tx) => apply(page, tx, kept),
  ...(kept.removeRetired === undefined ? {} : { removeRetired: kept.removeRetired }),
  ...(kept.whatIsMissing === undefined ? {} : { whatIsMissing: kept.whatIsMissing }),
});

export const messageSearch = messageSearchIn(wordsInColumn);

/** What is searched of a message as it is shown. */
export const foundText = (body: MsgBody): string => {
  if ('text' in body) return body.text;
  if ('replyText' in body) return body.replyText;
  return 'mediaUrl' in body ? (body.altText ?? '') : '';
};
