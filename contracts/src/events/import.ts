/** Stream `import-<importId>`: mail that was somewhere else before, brought into a mailbox. */
import * as t from 'io-ts';
import { int, nullable, oneOf, text } from '../codec.ts';
import { BlobId, ImportId, MailboxId, UserId } from '../ids.ts';
import { sealed } from '../sealed.ts';
import { defineEvent, type EventOf } from './definition.ts';

/** What a file holds: mails one behind the other, one mail, or a folder of these. */
export const ImportFormat = oneOf('mbox', 'eml', 'zip');
export type ImportFormat = t.TypeOf<typeof ImportFormat>;
/** From the first byte on, after a greeting in the clear (RFC 2595), or not at all. */
export const ImapTls = oneOf('implicit', 'starttls', 'none');
export type ImapTls = t.TypeOf<typeof ImapTls>;

export const ImportSource = t.union([
  t.readonly(t.type({ type: t.literal('file'), format: ImportFormat, blobId: BlobId, size: int(0) })),
  t.readonly(t.type({ type: t.literal('imap'), host: text(1, 253), port: int(1, 65_535), tls: ImapTls })),
]);
export type ImportSource = t.TypeOf<typeof ImportSource>;

/** How many of its mails were dealt with, and what became of them. `total` is null while nobody knows. */
export const importCounts = { total: nullable(int(0)), done: int(0), filed: int(0), duplicates: int(0), failed: int(0) };
export const ImportCounts = t.readonly(t.type(importCounts));
export type ImportCounts = t.TypeOf<typeof ImportCounts>;

/** A mail that could not be brought along: where it lies, and why. */
export const ImportFailure = t.readonly(t.type({ place: t.string, reason: t.string }));
export type ImportFailure = t.TypeOf<typeof ImportFailure>;

/** How far a folder of an IMAP server is read: everything up to `lastUid`, while `uidValidity` stays (RFC 9051 §2.3.1.1). */
export const ImportFolder = t.readonly(t.type({ name: t.string, uidValidity: t.string, lastUid: int(0), total: int(0), done: int(0) }));
export type ImportFolder = t.TypeOf<typeof ImportFolder>;

/** Which field of the request is at fault, as the caller wrote it; null when none is. */
export const ImportError = t.readonly(
  t.type({
    code: oneOf('connection', 'tls', 'login', 'folder', 'file', 'gone', 'unavailable', 'quota'),
    field: nullable(text(1, 100)),
    message: text(1, 1000),
  }),
);
export type ImportError = t.TypeOf<typeof ImportError>;

const ids = { importId: ImportId, mailboxId: MailboxId };

export const ImportRequested = defineEvent({
  type: 'ImportRequested',
  doc: 'Mail is to be brought into a mailbox, from a file or from an IMAP server. `name` is what the file is called, or who logs in there; `folders` null: all.',
  data: t.readonly(
    t.type({
      ...ids,
      by: UserId,
      source: ImportSource,
      name: sealed(nullable(text(1, 500))),
      folders: sealed(nullable(t.readonlyArray(text(1, 500)))),
    }),
  ),
  personal: [{ subject: 'mailboxId', fields: ['name', 'folders'] }],
});
export type ImportRequested = EventOf<typeof ImportRequested>;

export const ImportPasswordGiven = defineEvent({
  type: 'ImportPasswordGiven',
  doc: 'What an import logs in with, sealed with a key of its own that is destroyed when the import ends.',
  data: t.readonly(t.type({ importId: ImportId, password: sealed(text(1, 1000)) })),
  personal: [{ subject: 'importId', fields: ['password'] }],
});
export type ImportPasswordGiven = EventOf<typeof ImportPasswordGiven>;

export const ImportProgressed = defineEvent({
  type: 'ImportProgressed',
  doc: 'An import got this far: every mail before `next` of a file, or up to each folder’s `lastUid`, is dealt with. `failures` are those that came to it since.',
  data: t.readonly(
    t.type({
      ...ids,
      ...importCounts,
      next: int(0),
      folders: sealed(t.readonlyArray(ImportFolder)),
      failures: sealed(t.readonlyArray(ImportFailure)),
    }),
  ),
  personal: [{ subject: 'mailboxId', fields: ['folders', 'failures'] }],
});
export type ImportProgressed = EventOf<typeof ImportProgressed>;

export const ImportFinished = defineEvent({
  type: 'ImportFinished',
  doc: 'Every mail of an import was dealt with.',
  data: t.readonly(t.type({ ...ids, ...importCounts })),
});
export type ImportFinished = EventOf<typeof ImportFinished>;

export const ImportFailed = defineEvent({
  type: 'ImportFailed',
  version: 2,
  doc: 'An import cannot go on. What it filed stays.',
  data: t.readonly(t.type({ ...ids, ...importCounts, error: ImportError })),
  // No quota stopped one before.
  upcasts: [{ to: 2, apply: (data) => data }],
});
export type ImportFailed = EventOf<typeof ImportFailed>;

export const ImportCancelled = defineEvent({
  type: 'ImportCancelled',
  doc: 'Someone does not want the rest of an import. What it filed stays.',
  data: t.readonly(t.type({ ...ids, ...importCounts, by: UserId })),
});
export type ImportCancelled = EventOf<typeof ImportCancelled>;

export const importEvents = [
  ImportRequested,
  ImportPasswordGiven,
  ImportProgressed,
  ImportFinished,
  ImportFailed,
  ImportCancelled,
] as const;
export type ImportEvent = EventOf<(typeof importEvents)[number]>;
