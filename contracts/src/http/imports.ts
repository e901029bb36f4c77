/** Bringing mail along, and taking it away (mail-contract §3). */
import * as t from 'io-ts';
import { int, nullable, oneOf, text } from '../codec.ts';
import { ImapTls, importCounts, ImportError, ImportFailure, ImportFormat } from '../events/import.ts';
import { ImportId, LabelId, MailboxId } from '../ids.ts';
import { Timestamp } from '../time.ts';
import { FileForm, FormOr } from './form.ts';
import { listOf } from './mail.ts';
import { View } from './mail-objects.ts';
import { defineRoute, type Route } from './route.ts';

/** Of an import that are told one by one; all are counted. */
export const MOST_FAILURES = 100;
/** Imports of a mailbox that are listed. */
export const MOST_IMPORTS = 100;
/** `MAX_IMPORT_BYTES` of the configuration may say less or more. */
export const LARGEST_IMPORT = 50 * 1024 * 1024 * 1024;

export const ImportState = oneOf('queued', 'running', 'done', 'failed', 'cancelled');
export type ImportState = t.TypeOf<typeof ImportState>;

const ImportFile = t.readonly(t.type({ type: ImportFormat, name: nullable(t.string), size: int(0) }));
const ImportServer = t.readonly(
  t.type({
    type: oneOf('imap'),
    host: t.string,
    port: int(1, 65_535),
    tls: ImapTls,
    username: nullable(t.string),
    folders: nullable(t.readonlyArray(t.string)),
  }),
);

export const Import = t.readonly(
  t.type({
    id: ImportId,
    mailboxId: MailboxId,
    source: t.union([ImportFile, ImportServer]),
    state: ImportState,
    /** Mails there are (null while nobody knows), those dealt with, and what became of them: filed, there already, or failed. */
    ...importCounts,
    requestedAt: Timestamp,
    startedAt: nullable(Timestamp),
    endedAt: nullable(Timestamp),
    /** Why it failed as a whole, and the field of the request that is at fault. */
    error: nullable(ImportError),
    /** The first mails that could not be brought along. */
    failures: t.readonlyArray(ImportFailure),
    /** Of an IMAP server, those begun. */
    folders: t.readonlyArray(t.readonly(t.type({ name: t.string, total: int(0), done: int(0) }))),
  }),
);
export type Import = t.TypeOf<typeof Import>;

/** Left out: port 993 and TLS from the first byte on, and all folders. */
export const ImapImport = t.readonly(
  t.type({
    imap: t.readonly(
      t.intersection([
        t.type({ host: text(1, 253), username: text(1, 500), password: text(1, 1000) }),
        t.partial({ port: int(1, 65_535), tls: ImapTls, folders: listOf(text(1, 500), 1, 1000) }),
      ]),
    ),
  }),
);
export type ImapImport = t.TypeOf<typeof ImapImport>;

const mailboxParams = t.readonly(t.type({ mailboxId: MailboxId }));
const importParams = t.readonly(t.type({ importId: ImportId }));

export const importMail = defineRoute({
  id: 'importMail',
  method: 'POST',
  path: '/api/mailboxes/{mailboxId}/imports',
  tag: 'Imports',
  summary:
    'Brings mail along: from a file (an mbox, one mail as `.eml`, or a zip of these) or, asked for in JSON, from an IMAP server, whose password is forgotten when the import ends. Folders become places and labels. The same mail is filed once, whatever is sent again. For admins of the mailbox.',
  params: mailboxParams,
  body: new FormOr(new FileForm('file', LARGEST_IMPORT, 413), ImapImport),
  response: Import,
  errors: [403, 404, 413, 415, 422],
});

export const listImports = defineRoute({
  id: 'listImports',
  method: 'GET',
  path: '/api/mailboxes/{mailboxId}/imports',
  tag: 'Imports',
  summary: 'The imports of a mailbox, the last one first. For its admins.',
  params: mailboxParams,
  response: t.readonly(t.type({ content: t.readonlyArray(Import) })),
  errors: [403, 404],
});

export const getImport = defineRoute({
  id: 'getImport',
  method: 'GET',
  path: '/api/imports/{importId}',
  tag: 'Imports',
  summary: 'How far an import is. For admins of its mailbox.',
  params: importParams,
  response: Import,
  errors: [403, 404],
});

export const cancelImport = defineRoute({
  id: 'cancelImport',
  method: 'DELETE',
  path: '/api/imports/{importId}',
  tag: 'Imports',
  summary: 'Ends an import that runs or waits; what it filed stays. One that has ended stays as it is. For admins of its mailbox.',
  params: importParams,
  response: Import,
  errors: [403, 404],
});

export const exportMailbox = defineRoute({
  id: 'exportMailbox',
  method: 'GET',
  path: '/api/mailboxes/{mailboxId}/export',
  tag: 'Imports',
  summary:
    'All mail of a mailbox, or of a view or label, as an mbox (RFC 4155, `mboxrd`) with places, labels and flags in its headers. Brought into a mailbox it gives the same threads. For admins of the mailbox.',
  params: mailboxParams,
  query: t.partial({ view: View, label: LabelId }),
  produces: 'binary',
  errors: [403, 404],
});

export const importRoutes: readonly Route[] = [importMail, listImports, getImport, cancelImport, exportMailbox];
