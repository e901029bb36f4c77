/**
 * The words of mails, and where each mailbox keeps them, for search. Holds no text. Two tables, because one changes with every click and is narrow
 * enough to be walked through, and the other, with the index of words, never changes.
 */
import type { Recorded } from '@tidings/contracts/events/index';
import type { EmailFiled } from '@tidings/contracts/events/thread';
import type { Projection, ProjectionTx } from '@tidings/contracts/projection';
import type { MailTexts } from '@tidings/contracts/ports/mail-search';
import { reveal } from '@tidings/contracts/sealed';
import { unnamed } from '../emails/view.ts';
import { storable } from '../chat-view/people.ts';
import { removalEvents, upToRemoval } from '../threads/removal.ts';
import { Filing, forgetEmails, saveEmails } from './filing.ts';
import { documentOf, MOST_WORDS } from './lexemes.ts';
import { assignSegments, SEGMENT, segmentTable } from './segments.ts';
import { Labelling } from './labels.ts';
import { type Dictionaries, Stemmer, stemsFunction } from './stems.ts';

export * from './places.ts';
export * from './queries.ts';
export * from './snippet.ts';

/**
 * With the keys and indexes that `apply` finds rows by. A mailbox may hold an email in two threads, its own and one that is shared with it: these
 * are two emails here. Names of labels are folded.
 */
const tables = (schema: string): string => `
  create table ${schema}.email (
    mailbox_id uuid not null,
    email_id uuid not null,
    thread_id uuid not null,
    at timestamptz not null,
    size bigint not null,
    incoming boolean not null,
    unread boolean not null,
    starred boolean not null,
    has_attachments boolean not null,
    place text not null,
    position text collate "C" not null,
    primary key (mailbox_id, email_id, thread_id)
  );
  create index on ${schema}.email (thread_id, mailbox_id);
  create table ${schema}.words (
    mailbox_id uuid not null,
    email_id uuid not null,
    thread_id uuid not null,
    words tsvector not null,
    primary key (mailbox_id, email_id, thread_id)
  );
  ${segmentTable(schema)}
  create table ${schema}.starred (
    thread_id uuid not null,
    mailbox_id uuid not null,
    primary key (thread_id, mailbox_id)
  );
  create table ${schema}.label (
    mailbox_id uuid not null,
    label_id uuid not null,
    name text collate "C" not null,
    primary key (mailbox_id, label_id)
  );
  create table ${schema}.labelled (
    mailbox_id uuid not null,
    label_id uuid not null,
    thread_id uuid not null,
    primary key (mailbox_id, label_id, thread_id)
  );
  create table ${schema}.assigned (
    thread_id uuid not null,
    user_id uuid not null,
    primary key (thread_id, user_id)
  );
  ${stemsFunction(schema)}`;

/**
 * A mailbox newest first, and the same of each state a mail may be in (states.ts). Every search reads what the index of words has not sorted in yet, so
 * that is kept short.
 */
const indexes = (schema: string): string => `
  create index on ${schema}.email (mailbox_id, at, email_id, thread_id) where place <> 'spam' and place <> 'trash';
  create index on ${schema}.email (mailbox_id, place, unread, starred, at, email_id, thread_id);
  create index on ${schema}.assigned (user_id, thread_id);
  create index on ${schema}.words using gin (words) with (gin_pending_list_limit = 1024);`;

/** So many mails are read at a time, and so many characters of lexemes written: memory stays the same however long a page's mails are. */
const READ_AT_ONCE = 32;
const WRITTEN_AT_ONCE = 4_000_000;

/**
 * @param texts where bodies are read; whoever does not run the projection needs none
 * @param segment emails to a segment
 */
export const mailSearch = (texts: MailTexts, segment = SEGMENT): Projection => {
  const stemmer = new Stemmer();

  const saveWords = async (filed: readonly Recorded<EmailFiled>[], tx: ProjectionTx): Promise<void> => {
    const segments = await assignSegments(filed, segment, tx);
    let documents: Document[] = [];
    let length = 0;
    for (let from = 0; from < filed.length; from += READ_AT_ONCE) {
      const some = filed.slice(from, from + READ_AT_ONCE).map((event, at) => ({ ...event.data, segment: segments[from + at] ?? 0 }));
      for (const one of await documentsOf(some, texts, stemmer, tx)) {
        documents.push(one);
        length += one.words.length;
      }
      if (length < WRITTEN_AT_ONCE) continue;
      await saveDocuments(documents, tx);
      documents = [];
      length = 0;
    }
    await saveDocuments(documents, tx);
  };

  const applyEvents = async (page: readonly Recorded[], tx: ProjectionTx): Promise<void> => {
    const filed = page.filter((event) => event.type === 'EmailFiled');
    await saveEmails(filed, tx);
    await saveWords(filed, tx);
    await applyFiling(page, tx);
  };

  return {
    name: 'mail-search',
    version: 2,
    unhurried: true,
    handles: [
      'EmailFiled',
      'EmailsMoved',
      'ThreadRead',
      'EmailKeywordsSet',
      'ThreadStarred',
      'ThreadLabelled',
      'ThreadAssigned',
      'ThreadUnassigned',
      ...removalEvents,
      'LabelCreated',
      'LabelChanged',
      'LabelDeleted',
      'MailboxClosed',
    ],
    tables,
    indexes,
    apply: async (page, tx) => {
      for (const { events, removal } of upToRemoval(page)) {
        await applyEvents(events, tx);
        if (removal !== null) await forgetEmails(removal, tx);
      }
    },
  };
};

/** What is filed first, what was done with it then: within a page, nothing is done with a mail before it is filed. */
const applyFiling = async (page: readonly Recorded[], tx: ProjectionTx): Promise<void> => {
  const filing = new Filing();
  const labelling = new Labelling();
  for (const event of page) {
    filing.take(event);
    labelling.take(event);
  }
  await filing.save(tx);
  await labelling.save(tx);
  await forgetClosed(page, tx);
};

/** Nothing happens in a mailbox behind its end. */
const forgetClosed = async (page: readonly Recorded[], tx: ProjectionTx): Promise<void> => {
  const closed = page.flatMap((event) => (event.type === 'MailboxClosed' ? [event.data.mailboxId] : []));
  if (closed.length === 0) return;
  for (const table of ['email', 'words', 'segment', 'starred', 'label', 'labelled']) {
    await tx.query(`delete from ${tx.schema}.${table} where mailbox_id = any($1::uuid[])`, [closed]);
  }
  await tx.query(`delete from ${tx.schema}.assigned a where not exists (select from ${tx.schema}.email e where e.thread_id = a.thread_id)`);
};

type Filed = EmailFiled['data'] & { readonly segment: number };

interface Document {
  readonly filed: Filed;
  readonly words: string;
}

const documentsOf = async (filed: readonly Filed[], texts: MailTexts, stemmer: Stemmer, tx: ProjectionTx): Promise<readonly Document[]> => {
  const read = await Promise.all(filed.map(({ bodyBlobId }) => texts.read(bodyBlobId)));
  const contents = filed.map((one) => reveal(one.content, null));
  const dictionaries = dictionariesOf(tx);
  const subjects = contents.map((content) => content?.subject ?? '');
  // An erased mail has no words, also while its blob waits to be removed.
  const bodies = read.map((text, at) => (contents[at] === null ? '' : (text?.body ?? '')));
  const words = await stemmer.stemmed([...subjects, ...bodies], MOST_WORDS, dictionaries);
  return filed.map((data, at) => {
    const content = contents[at] ?? null;
    const text = content === null ? null : (read[at] ?? null);
    const envelope = reveal(data.envelope, null);
    const bcc = text?.bcc ?? [];
    const document = documentOf({
      mailbox: data.mailboxId,
      segment: data.segment,
      size: data.size,
      hasAttachments: content?.hasAttachments ?? false,
      subject: words[at] ?? [],
      body: words[filed.length + at] ?? [],
      files: text?.files ?? [],
      from: content?.from ?? [],
      to: content?.to ?? [],
      cc: content?.cc ?? [],
      bcc: content === null ? [] : [...bcc, ...unnamed(envelope?.rcptTo ?? [], content, { bcc })],
    });
    return { filed: data, words: storable(document) };
  });
};

const dictionariesOf =
  (tx: ProjectionTx): Dictionaries =>
  (words) =>
    tx.query(`select word, ${tx.schema}.stems(word) as stems from unnest($1::text[]) as word`, [words]);

const saveDocuments = async (documents: readonly Document[], tx: ProjectionTx): Promise<void> => {
  if (documents.length === 0) return;
  await tx.query(
    // A list joined by newlines, of which no document has any: cheaper at both ends than an array of text to escape.
    `insert into ${tx.schema}.words (mailbox_id, email_id, thread_id, words)
     select mailbox_id, email_id, thread_id, words::tsvector
     from rows from (unnest($1::uuid[]), unnest($2::uuid[]), unnest($3::uuid[]), string_to_table($4, E'\\n')) page (mailbox_id, email_id, thread_id, words)
     on conflict do nothing`,
    [
      documents.map(({ filed }) => filed.mailboxId),
      documents.map(({ filed }) => filed.emailId),
      documents.map(({ filed }) => filed.threadId),
      documents.map(({ words }) => words.replaceAll('\n', ' ')).join('\n'),
    ],
  );
};
