/** Words in a table of Postgres, by an index of words that knows stretches of time. */
import { storable } from '../chat-view/people.ts';
import type { ProjectionTx } from '@tidings/contracts/projection';
import type { Words } from '@tidings/contracts/ports/word-index';
import { tsvector } from '../search-words/text-search.ts';
import { type KeptWords, worded, type HeldMail } from './kept-words.ts';
import { segmentWords } from './lexemes.ts';
import { assignSegments, SEGMENT, segmentTable } from './segments.ts';

/** So many characters of lexemes are written at a time. */
const WRITTEN_AT_ONCE = 4_000_000;

/** Every search reads what the index of words has not sorted in yet, so that is kept short. @param segment emails to a segment */
export const wordsInTable = (segment = SEGMENT): KeptWords => ({
  version: 2,
  tables: (schema) => `
  create table ${schema}.words (
    mailbox_id uuid not null,
    email_id uuid not null,
    thread_id uuid not null,
    words tsvector not null,
    primary key (mailbox_id, email_id, thread_id)
  );
  ${segmentTable(schema)}`,
  indexes: (schema) => `
  create index on ${schema}.words using gin (words) with (gin_pending_list_limit = 1024);`,
  page: (tx) => ({
    save: async (filed, wordsOf) => {
      const segments = await assignSegments(filed, segment, tx);
      let rows: Row[] = [];
      let length = 0;
      let nth = 0;
      for await (const some of worded(filed, wordsOf)) {
        for (const { event, words } of some) {
          const { mailboxId, emailId, threadId } = event.data;
          const text = rowText(words, segmentWords(mailboxId, segments[nth++] ?? 0));
          rows.push({ mailboxId, emailId, threadId, words: text });
          length += text.length;
        }
        if (length < WRITTEN_AT_ONCE) continue;
        await saveRows(rows, tx);
        rows = [];
        length = 0;
      }
      await saveRows(rows, tx);
    },
    forget: async (held) => {
      if (held.length === 0) return;
      await tx.query(
        `delete from ${tx.schema}.words w using unnest($1::uuid[], $2::uuid[], $3::uuid[]) as gone (mailbox_id, email_id, thread_id)
         where w.mailbox_id = gone.mailbox_id and w.email_id = gone.email_id and w.thread_id = gone.thread_id`,
        [held.map(({ mailboxId }) => mailboxId), held.map(({ emailId }) => emailId), held.map(({ threadId }) => threadId)],
      );
    },
    close: async (mailboxes) => {
      await tx.query(`delete from ${tx.schema}.segment where mailbox_id = any($1::uuid[])`, [mailboxes]);
    },
    end: () => Promise.resolve(),
  }),
});

interface Row extends HeldMail {
  readonly words: string;
}

const rowText = (words: Words, marks: Words): string => storable(tsvector(new Map([...marks, ...words]))).replaceAll('\n', ' ');

const saveRows = async (rows: readonly Row[], tx: ProjectionTx): Promise<void> => {
  if (rows.length === 0) return;
  await tx.query(
    // A list joined by newlines, of which no row has any: cheaper at both ends than an array of text to escape.
    `insert into ${tx.schema}.words (mailbox_id, email_id, thread_id, words)
     select mailbox_id, email_id, thread_id, words::tsvector
     from rows from (unnest($1::uuid[]), unnest($2::uuid[]), unnest($3::uuid[]), string_to_table($4, E'\\n')) page (mailbox_id, email_id, thread_id, words)
     on conflict do nothing`,
    [
      rows.map(({ mailboxId }) => mailboxId),
      rows.map(({ emailId }) => emailId),
      rows.map(({ threadId }) => threadId),
      rows.map(({ words }) => words).join('\n'),
    ],
  );
};
