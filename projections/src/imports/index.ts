/** Imports of each mailbox: what was asked for, how far it is, and what could not be brought along. */
import type { ImportEvent, ImportFailure } from '@tidings/contracts/events/import';
import type { Recorded } from '@tidings/contracts/events/index';
import type { MailboxClosed } from '@tidings/contracts/events/mailbox';
import { MOST_FAILURES } from '@tidings/contracts/http/imports';
import type { Projection, ProjectionTx } from '@tidings/contracts/projection';
import { reveal } from '@tidings/contracts/sealed';
import { storable } from '../chat-view/people.ts';

export * from './queries.ts';

/** `name` and what `folders` and `failures` say are empty once the mailbox's data is erased. `ended_at` is null for those that are not over. */
const tables = (schema: string): string => `
  create table ${schema}.import (
    import_id uuid primary key,
    mailbox_id uuid not null,
    position text collate "C" not null,
    source json not null,
    name text,
    wanted json not null,
    state text not null,
    total bigint,
    done bigint not null default 0,
    filed bigint not null default 0,
    duplicates bigint not null default 0,
    failed bigint not null default 0,
    requested_at timestamptz not null,
    started_at timestamptz,
    ended_at timestamptz,
    error json,
    failures jsonb not null default '[]',
    folders json not null default '[]'
  );
  create index import_of_mailbox on ${schema}.import (mailbox_id, position);
  create index import_open on ${schema}.import (position) where ended_at is null;`;

const handled = [
  'ImportRequested',
  'ImportProgressed',
  'ImportFinished',
  'ImportFailed',
  'ImportCancelled',
  'MailboxClosed',
] as const satisfies readonly Recorded['type'][];
type Handled = Recorded<Exclude<ImportEvent, { readonly type: 'ImportPasswordGiven' }> | MailboxClosed>;
const kinds: ReadonlySet<string> = new Set(handled);
const isHandled = (event: Recorded): event is Handled => kinds.has(event.type);

export const imports: Projection = {
  name: 'imports',
  version: 1,
  handles: handled,
  tables,
  // A few in a second at most: one statement each keeps the order simple.
  apply: async (page, tx) => {
    for (const event of page) if (isHandled(event)) await applyOne(event, tx);
  },
};

const applyOne = async (event: Handled, tx: ProjectionTx): Promise<void> => {
  const table = `${tx.schema}.import`;
  switch (event.type) {
    case 'ImportRequested': {
      const { importId, mailboxId, source, name, folders } = event.data;
      const known = reveal(name, null);
      await tx.query(
        `insert into ${table} (import_id, mailbox_id, position, source, name, wanted, state, requested_at)
         values ($1, $2, $3, $4, $5, $6, 'queued', $7)`,
        [
          ...[importId, mailboxId, event.position, JSON.stringify(source), known === null ? null : storable(known)],
          ...[JSON.stringify(reveal(folders, null)), event.recordedAt],
        ],
      );
      return;
    }
    case 'ImportProgressed': {
      const { importId, total, done, filed, duplicates, failed, folders, failures } = event.data;
      await tx.query(
        `update ${table} set state = case when ended_at is null then 'running' else state end, started_at = coalesce(started_at, $2),
           total = $3, done = $4, filed = $5, duplicates = $6, failed = $7, folders = $8,
           failures = (select coalesce(jsonb_agg(f order by nth), '[]')
                       from jsonb_array_elements(failures || $9::jsonb) with ordinality as all_of (f, nth) where nth <= ${MOST_FAILURES})
         where import_id = $1`,
        [
          ...[importId, event.recordedAt, total, done, filed, duplicates, failed],
          ...[JSON.stringify(reveal(folders, [])), JSON.stringify(reveal(failures, []).map(storableFailure))],
        ],
      );
      return;
    }
    case 'ImportFinished':
    case 'ImportFailed':
    case 'ImportCancelled': {
      const { importId, total, done, filed, duplicates, failed } = event.data;
      const error = event.type === 'ImportFailed' ? event.data.error : null;
      await tx.query(
        `update ${table} set state = $2, ended_at = $3, total = $4, done = $5, filed = $6, duplicates = $7, failed = $8, error = $9
         where import_id = $1`,
        [
          ...[importId, ENDS[event.type], event.recordedAt, total, done, filed, duplicates, failed],
          error === null ? null : JSON.stringify(error),
        ],
      );
      return;
    }
    case 'MailboxClosed':
      await tx.query(`delete from ${table} where mailbox_id = $1`, [event.data.mailboxId]);
  }
};

const ENDS = { ImportFinished: 'done', ImportFailed: 'failed', ImportCancelled: 'cancelled' } as const;

const storableFailure = ({ place, reason }: ImportFailure): ImportFailure => ({ place: storable(place), reason: storable(reason) });
