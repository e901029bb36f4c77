/** What readers ask of imports. */
import { nullable } from '@tidings/contracts/codec';
import { importCounts, ImportError, ImportFailure, ImportFolder, ImportSource } from '@tidings/contracts/events/import';
import { type Import, ImportState, MOST_IMPORTS } from '@tidings/contracts/http/imports';
import { ImportId, MailboxId } from '@tidings/contracts/ids';
import { rows } from '@tidings/contracts/sql-rows';
import { Timestamp } from '@tidings/contracts/time';
import * as t from 'io-ts';
import { sql } from 'slonik';
import { tableIn } from '../chat-view/tables.ts';

const ImportRow = t.readonly(
  t.type({
    id: ImportId,
    mailboxId: MailboxId,
    source: ImportSource,
    name: nullable(t.string),
    wanted: nullable(t.readonlyArray(t.string)),
    state: ImportState,
    ...importCounts,
    requestedAt: Timestamp,
    startedAt: nullable(Timestamp),
    endedAt: nullable(Timestamp),
    error: nullable(ImportError),
    failures: t.readonlyArray(ImportFailure),
    folders: t.readonlyArray(ImportFolder),
  }),
);
export type ImportRow = t.TypeOf<typeof ImportRow>;

const columns = sql.fragment`import_id as id, mailbox_id as "mailboxId", source, name, wanted, state, total, done, filed, duplicates, failed,
  requested_at as "requestedAt", started_at as "startedAt", ended_at as "endedAt", error, failures, folders`;

/** The last one first. Index import_of_mailbox. */
export const importsOf = (schema: string, mailbox: MailboxId) => sql.type(rows(ImportRow))`
  select ${columns} from ${tableIn(schema, 'import')} where mailbox_id = ${mailbox} order by position desc limit ${MOST_IMPORTS}`;

/** Primary key. */
export const importById = (schema: string, id: ImportId) =>
  sql.type(rows(ImportRow))`select ${columns} from ${tableIn(schema, 'import')} where import_id = ${id}`;

/** Those that are not over, in the order they were asked for. Index import_open. */
export const openImports = (schema: string) =>
  sql.type(
    rows(t.readonly(t.type({ importId: ImportId, mailboxId: MailboxId }))),
  )`select import_id as "importId", mailbox_id as "mailboxId" from ${tableIn(schema, 'import')} where ended_at is null order by position`;

export const importView = ({ source, name, wanted, folders, ...row }: ImportRow): Import => ({
  ...row,
  source:
    source.type === 'file'
      ? { type: source.format, name, size: source.size }
      : { type: 'imap', host: source.host, port: source.port, tls: source.tls, username: name, folders: wanted },
  folders: folders.map((folder) => ({ name: folder.name, total: folder.total, done: folder.done })),
});
