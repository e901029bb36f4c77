/**
 * The batch that each import is filing: what was written into filing's index for it, and may not be filed yet. Whoever goes on with the import files
 * it; of one that was cancelled after a crash, what never was filed is taken out again, or a copy that comes by SMTP would count as there.
 */
import type { EmailId, ImportId, MailboxId, ThreadId } from '@tidings/contracts/ids';
import { thread, threadKey } from '@tidings/domain/thread/index';
import { applySteps } from '@tidings/infra/postgres/schema-steps';
import { inTransaction } from '@tidings/infra/projector/session';
import type { Pool, PoolClient } from 'pg';
import type { Platform } from '../../platform/src/platform.ts';

const steps: readonly string[] = [
  `
  create table importer.in_hand (
    import_id uuid primary key,
    mailbox_id uuid not null,
    emails uuid[] not null,
    threads uuid[] not null
  );
  `,
];

/** Several processes may run it at once. */
export const migrateImporter = (pool: Pool): Promise<void> => inTransaction(pool, (client) => applySteps(client, 'importer', steps));

interface Decided {
  readonly emailId: EmailId;
  readonly threadId: ThreadId;
}

/** In the transaction that writes what was decided; as an import begins, with nothing. */
export const takeInHand = async (
  client: Pool | PoolClient,
  { importId, mailboxId }: { readonly importId: ImportId; readonly mailboxId: MailboxId },
  decided: readonly Decided[],
): Promise<void> => {
  await client.query(
    `insert into importer.in_hand (import_id, mailbox_id, emails, threads) values ($1, $2, $3, $4)
     on conflict (import_id) do update set emails = excluded.emails, threads = excluded.threads
     where cardinality(excluded.emails) > 0`,
    [importId, mailboxId, decided.map(({ emailId }) => emailId), decided.map(({ threadId }) => threadId)],
  );
};

/** What was decided for mails that are not filed must not keep out another copy. Primary keys. */
export const forgetDecided = async (pool: Pool, mailboxId: MailboxId, emails: readonly EmailId[]): Promise<void> => {
  if (emails.length === 0) return;
  await pool.query('delete from filing.naming where mailbox_id = $1 and email_id = any($2::uuid[])', [mailboxId, emails]);
  await pool.query('delete from filing.held where mailbox_id = $1 and email_id = any($2::uuid[])', [mailboxId, emails]);
};

/** For an import that is over, however it ended. */
export const putDown = async ({ pool, commands }: Pick<Platform, 'pool' | 'commands'>, importId: ImportId): Promise<void> => {
  const { rows } = await pool.query<{ mailbox_id: MailboxId; emails: readonly EmailId[]; threads: readonly ThreadId[] }>(
    'select mailbox_id, emails, threads from importer.in_hand where import_id = $1',
    [importId],
  );
  const [row] = rows;
  if (row === undefined) return;
  const { mailbox_id: mailboxId, emails, threads } = row;
  const filed = await Promise.all(
    emails.map(async (emailId, at) => {
      const { state } = await commands.load(thread, threadKey(threads[at] ?? ('' as ThreadId))); // one for each email
      return state.holdings.get(mailboxId)?.emails.some((held) => held.emailId === emailId) === true;
    }),
  );
  await forgetDecided(
    pool,
    mailboxId,
    emails.filter((_, at) => filed[at] !== true),
  );
  await pool.query('delete from importer.in_hand where import_id = $1', [importId]);
};

/** Imports of which something is in hand, among them those that ended while nobody looked. */
export const inHand = async (pool: Pool): Promise<readonly ImportId[]> =>
  (await pool.query<{ importId: ImportId }>('select import_id as "importId" from importer.in_hand')).rows.map(({ importId }) => importId);
