/**
 * The words of mails, and where each mailbox keeps them, for search. Holds no text. Words stand apart from all else, in a table or in an index beside Postgres,
 * because they never change; what changes with every click is narrow enough to be walked through.
 */
import type { Recorded } from '@tidings/contracts/events/index';
import type { Projection, ProjectionTx } from '@tidings/contracts/projection';
import type { MailTexts } from '@tidings/contracts/ports/mail-search';
import type { Words } from '@tidings/contracts/ports/word-index';
import { reveal } from '@tidings/contracts/sealed';
import { unnamed } from '../emails/view.ts';
import { cutBehind, isRemoval, removalEvents, removalOf } from '../threads/removal.ts';
import { Filing, forgetEmails, forgetMailboxes, saveEmails } from './filing.ts';
import type { FiledMail, KeptWords, WordsOfPage } from './kept-words.ts';
import { Labelling } from './labels.ts';
import { mailWords, MOST_WORDS } from './lexemes.ts';
import { type Dictionaries, Stemmer, stemsFunction } from './stems.ts';
import { wordsInTable } from './words-table.ts';

export * from './places.ts';
export * from './queries.ts';
export * from './indexed-queries.ts';
export * from './snippet.ts';
export * from './words-index.ts';
export * from './words-table.ts';

/**
 * With the keys and indexes that `apply` finds rows by. A mailbox may hold an email in two threads, its own and one that is shared with it: these
 * are two emails here. Names of labels are folded.
 */
const tables = (schema: string, words: KeptWords): string => `
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
  ${words.tables(schema)}
  ${stemsFunction(schema)}`;

/** A mailbox newest first, and the same of each state a mail may be in (states.ts). */
const indexes = (schema: string, words: KeptWords): string => `
  create index on ${schema}.email (mailbox_id, at, email_id, thread_id) where place <> 'spam' and place <> 'trash';
  create index on ${schema}.email (mailbox_id, place, unread, starred, at, email_id, thread_id);
  create index on ${schema}.assigned (user_id, thread_id);
  ${words.indexes(schema)}`;

/**
 * @param texts where bodies are read; whoever does not run the projection needs none
 * @param kept where words are kept
 */
export const mailSearch = (texts: MailTexts, kept: KeptWords = wordsInTable()): Projection => {
  const stemmer = new Stemmer();

  const applyEvents = async (page: readonly Recorded[], words: WordsOfPage, tx: ProjectionTx): Promise<void> => {
    const filed = page.filter((event) => event.type === 'EmailFiled');
    await saveEmails(filed, tx);
    if (filed.length > 0) await words.save(filed, (some) => wordsOfMails(some, texts, stemmer, tx));
    await applyFiling(page, tx);
    await forgetClosed(page, words, tx);
  };

  return {
    name: 'mail-search',
    version: kept.version,
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
    tables: (schema) => tables(schema, kept),
    indexes: (schema) => indexes(schema, kept),
    apply: async (page, tx) => {
      const words = kept.page(tx);
      for (const { events, cut } of cutBehind(page, isRemoval)) {
        await applyEvents(events, words, tx);
        if (cut !== null) await words.forget(await forgetEmails(removalOf(cut), tx), cut.position);
      }
      await words.end();
    },
    ...(kept.removeRetired === undefined ? {} : { removeRetired: kept.removeRetired }),
    ...(kept.whatIsMissing === undefined ? {} : { whatIsMissing: kept.whatIsMissing }),
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
};

/** Nothing happens in a mailbox behind its end. */
const forgetClosed = async (page: readonly Recorded[], words: WordsOfPage, tx: ProjectionTx): Promise<void> => {
  const ends = page.filter((event) => event.type === 'MailboxClosed');
  const last = ends.at(-1);
  if (last === undefined) return;
  const closed = ends.map(({ data }) => data.mailboxId);
  await words.forget(await forgetMailboxes(closed, tx), last.position);
  await words.close(closed);
};

const wordsOfMails = async (
  filed: readonly FiledMail[],
  texts: MailTexts,
  stemmer: Stemmer,
  tx: ProjectionTx,
): Promise<readonly Words[]> => {
  const read = await Promise.all(filed.map(({ data }) => texts.read(data.bodyBlobId)));
  const contents = filed.map(({ data }) => reveal(data.content, null));
  const dictionaries = dictionariesOf(tx);
  const subjects = contents.map((content) => content?.subject ?? '');
  // An erased mail has no words, also while its blob waits to be removed.
  const bodies = read.map((text, at) => (contents[at] === null ? '' : (text?.body ?? '')));
  const stemmed = await stemmer.stemmed([...subjects, ...bodies], MOST_WORDS, dictionaries);
  return filed.map(({ data }, at) => {
    const content = contents[at] ?? null;
    const text = content === null ? null : (read[at] ?? null);
    const envelope = reveal(data.envelope, null);
    const bcc = text?.bcc ?? [];
    return mailWords({
      size: data.size,
      hasAttachments: content?.hasAttachments ?? false,
      subject: stemmed[at] ?? [],
      body: stemmed[filed.length + at] ?? [],
      files: text?.files ?? [],
      from: content?.from ?? [],
      to: content?.to ?? [],
      cc: content?.cc ?? [],
      bcc: content === null ? [] : [...bcc, ...unnamed(envelope?.rcptTo ?? [], content, { bcc })],
    });
  });
};

const dictionariesOf =
  (tx: ProjectionTx): Dictionaries =>
  (words) =>
    tx.query(`select word, ${tx.schema}.stems(word) as stems from unnest($1::text[]) as word`, [words]);
