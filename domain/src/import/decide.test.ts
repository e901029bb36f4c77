import type { ImportCounts } from '@tidings/contracts/events/import';
import { describe, it } from 'vitest';
import { specify } from '../testing/given.ts';
import { alice, blobNo, bob, importNo, mailboxNo } from '../testing/people.ts';
import { importCancelled, importFailed, importFinished, importPasswordGiven, importProgressed, importRequested } from './events.ts';
import { type ImportCommand, type ImportRequest, mailImport } from './index.ts';

const given = specify(mailImport);
const ids = { importId: importNo(1), mailboxId: mailboxNo(1) };
const file: ImportRequest = {
  ...{ ...ids, by: alice, name: 'mail.mbox', folders: null },
  source: { type: 'file', format: 'mbox', blobId: blobNo(1), size: 10 },
};
const server: ImportRequest = { ...file, name: 'ann', source: { type: 'imap', host: 'imap.example.org', port: 993, tls: 'implicit' } };
const request = (what: ImportRequest, password: string | null = null): ImportCommand => ({
  type: 'RequestImport',
  request: what,
  password,
});
const requested = importRequested(file);

const none: ImportCounts = { total: null, done: 0, filed: 0, duplicates: 0, failed: 0 };
const some: ImportCounts = { total: 9, done: 5, filed: 3, duplicates: 1, failed: 1 };
const failures = [{ place: 'mail 4', reason: 'too large' }];
const record = (counts: ImportCounts): ImportCommand => ({
  type: 'RecordProgress',
  ...ids,
  counts,
  next: counts.done,
  folders: [],
  failures,
});
const progressed = importProgressed({ ...ids, ...some, next: 5, folders: [], failures });
const finish: ImportCommand = { type: 'FinishImport', ...ids };
const cancel: ImportCommand = { type: 'CancelImport', ...ids, by: bob };
const error = { code: 'quota', field: null, message: 'The mailbox is full.' } as const;
const fail: ImportCommand = { type: 'FailImport', ...ids, error };

describe('asking for an import', () => {
  it('is once, with a password for a server', () => {
    given().when(request(file)).then(requested);
    given()
      .when(request(server, 'secret'))
      .then(importRequested(server), importPasswordGiven({ importId: ids.importId, password: 'secret' }));
    given(requested).when(request(file)).thenNothing();
    given(requested)
      .when(request({ ...file, name: 'other.mbox' }))
      .thenNothing();
  });

  it('takes an id for one source and mailbox', () => {
    const reused = { type: 'ImportIdReused', importId: ids.importId } as const;
    given(requested).when(request(server, 'x')).thenRejected(reused);
    given(requested)
      .when(request({ ...file, mailboxId: mailboxNo(2) }))
      .thenRejected(reused);
  });
});

describe('progress', () => {
  it('is written down as it comes, never backwards', () => {
    given(requested).when(record(some)).then(progressed);
    given(requested, progressed).when(record(some)).thenNothing();
    given(requested, progressed)
      .when(record({ ...some, done: 4 }))
      .thenNothing();
    given().when(record(some)).thenRejected({ type: 'NoSuchImport', importId: ids.importId });
  });

  it('counts what was being filed as it was cancelled, and nothing after another end', () => {
    given(requested, importCancelled({ ...ids, ...none, by: bob }))
      .when(record(some))
      .then(progressed);
    given(requested, importFinished({ ...ids, ...none }))
      .when(record(some))
      .thenNothing();
    given(requested, importFailed({ ...ids, ...none, error }))
      .when(record(some))
      .thenNothing();
  });
});

describe('the end', () => {
  it('comes once, with what was done until then', () => {
    given(requested)
      .when(finish)
      .then(importFinished({ ...ids, ...none }));
    given(requested, progressed)
      .when(finish)
      .then(importFinished({ ...ids, ...some }));
    given(requested, progressed)
      .when(cancel)
      .then(importCancelled({ ...ids, ...some, by: bob }));
    given(requested, progressed)
      .when(fail)
      .then(importFailed({ ...ids, ...some, error }));
    for (const over of [
      importFinished({ ...ids, ...some }),
      importCancelled({ ...ids, ...some, by: bob }),
      importFailed({ ...ids, ...some, error }),
    ])
      for (const command of [finish, cancel, fail]) given(requested, progressed, over).when(command).thenNothing();
    given().when(cancel).thenRejected({ type: 'NoSuchImport', importId: ids.importId });
  });
});
