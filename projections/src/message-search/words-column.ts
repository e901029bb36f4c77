/** Messages and their words in one table of Postgres. */
import type { RoomId, UserId } from '@tidings/contracts/ids';
import type { ProjectionTx } from '@tidings/contracts/projection';
import type { Words } from '@tidings/contracts/ports/word-index';
import { tsvector } from '../search-words/text-search.ts';
import type { KeptWords } from './kept-words.ts';
import { placeWords } from './lexemes.ts';

/** Every search reads what the words' index has not sorted in yet, so that is kept short: a page or two of live messages. */
export const wordsInColumn: KeptWords = {
  version: 1,
  column: 'words tsvector not null,',
  tables: () => '',
  indexes: (schema) => `create index on ${schema}.message using gin (words) with (gin_pending_list_limit = 512);`,
  save: async (changes, closed, tx) => {
    const table = `${tx.schema}.message`;
    const { erased, deleted, sent } = changes;
    if (erased.length > 0) await tx.query(`delete from ${table} where sender_id = any($1::uuid[])`, [erased]);
    if (deleted.length > 0) await tx.query(`delete from ${table} where message_id = any($1::uuid[])`, [deleted]);
    const edited = [...changes.edited];
    if (edited.length > 0) {
      await tx.query(
        `update ${table} m set words = page.words::tsvector
         from unnest($1::uuid[], $2::text[]) as page (message_id, words) where m.message_id = page.message_id`,
        [edited.map(([id]) => id), edited.map(([, one]) => rowText(one))],
      );
    }
    if (sent.length > 0) await insert(sent, tx);
    // Last, so that messages of this very page go with their room.
    if (closed.length > 0) await tx.query(`delete from ${table} where room_id = any($1::uuid[])`, [closed]);
  },
};

const rowText = ({ roomId, senderId, words }: { readonly roomId: RoomId; readonly senderId: UserId; readonly words: Words }): string =>
  tsvector(new Map([...placeWords(roomId, senderId), ...words]));

const insert = async (sent: Parameters<KeptWords['save']>[0]['sent'], tx: ProjectionTx): Promise<void> => {
  await tx.query(
    // Lists joined by newlines, of which no document has any: cheaper at both ends than arrays of text to escape.
    `insert into ${tx.schema}.message (room_id, created_at, seq, message_id, sender_id, words)
     select room_id, created_at, seq, message_id, sender_id, words::tsvector from rows from (
       unnest($1::uuid[]), unnest($2::timestamptz[]), unnest($3::bigint[]), unnest($4::uuid[]), unnest($5::uuid[]),
       string_to_table($6, E'\\n')
     ) page (room_id, created_at, seq, message_id, sender_id, words)`,
    [
      sent.map((message) => message.roomId),
      sent.map((message) => message.createdAt),
      sent.map((message) => message.seq),
      sent.map((message) => message.messageId),
      sent.map((message) => message.senderId),
      sent.map(rowText).join('\n'),
    ],
  );
};
