/**
 * Files one batch of old mail, by the same rules as mail that comes in, and such that a crash anywhere repeats work and changes nothing: an email's
 * id derives from its place in the import; where it goes is written into filing's index, durably, before it is filed; and filing is idempotent.
 * So whoever goes on finds what was decided and does it again, and a copy that comes by SMTP meanwhile is known for one.
 */
import type { ImportFailure } from '@tidings/contracts/events/import';
import { derivedId, subjectId, type CommandId, type EmailId, type MailboxId, type ThreadId, type UserId } from '@tidings/contracts/ids';
import { type Brought, broughtAs, type ImportRequest } from '@tidings/domain/import/index';
import { thread, threadKey } from '@tidings/domain/thread/index';
import { Fenced, type Lease } from '@tidings/infra/projector/lease';
import { withClient } from '@tidings/infra/projector/session';
import { forgetDecided, takeInHand } from './in-hand.ts';
import type { Pool } from 'pg';
import { choose } from '../../filing/src/choose.ts';
import { HeldIndex, heldFrom } from '../../filing/src/held-index.ts';
import type { Platform } from '../../platform/src/platform.ts';
import { fileThreads, type Placed } from './file-threads.ts';
import type { Labels } from './labels.ts';
import { sameAsHeld } from './same-mail.ts';
import { isLost, type LostMail } from './source.ts';
import type { UnderstoodMail } from './understand.ts';

export interface BatchParts {
  readonly platform: Pick<Platform, 'commands' | 'keys' | 'pool' | 'blobs' | 'read' | 'liveSchema' | 'now'>;
  readonly request: ImportRequest;
  readonly lease: Lease;
  readonly labels: Labels;
  /** Addresses of the mailbox, in lower case. */
  readonly own: ReadonlySet<string>;
  /** Bytes that the mailbox has room for. */
  readonly roomLeft: number;
}

export interface BatchOutcome {
  /** Mails dealt with: all of the batch, unless the mailbox is full. */
  readonly done: number;
  /** There was no room for the mail behind these. */
  readonly isFull: boolean;
  readonly filed: number;
  /** Of what was filed. */
  readonly bytes: number;
  readonly duplicates: number;
  readonly failures: readonly ImportFailure[];
}

interface Duplicate {
  readonly mail: UnderstoodMail;
  readonly threadId: ThreadId;
  readonly brought: Brought;
}

/** @throws Fenced, and for outages, which pass: the batch is tried again as a whole */
export const fileBatch = async (mails: readonly (UnderstoodMail | LostMail)[], parts: BatchParts): Promise<BatchOutcome> => {
  const { platform, request } = parts;
  const { mailboxId } = request;
  const understood = mails.filter((mail): mail is UnderstoodMail => !isLost(mail));
  const { index, placed, duplicates, tooMuch } = await decide(understood, parts);
  const dealtWith = tooMuch === null ? mails : mails.slice(0, mails.indexOf(tooMuch));
  const failures: ImportFailure[] = dealtWith.filter(isLost).map(({ place, reason }) => ({ place, reason }));
  await writeAhead(index, placed, parts);

  await platform.keys.obtain([subjectId(mailboxId)]);
  const faults = await fileThreads(placed, parts);
  failures.push(...faults.map(({ mail, reason }) => ({ place: mail.place, reason })));
  await forgetDecided(
    platform.pool,
    mailboxId,
    faults.map(({ emailId }) => emailId),
  );
  for (const duplicate of duplicates) await labelHeld(duplicate, parts);
  return {
    ...{ done: dealtWith.length, isFull: tooMuch !== null, filed: placed.length - faults.length, duplicates: duplicates.length, failures },
    bytes: placed.reduce((sum, { mail }) => sum + mail.size, 0),
  };
};

/** In order, each on what those before it left in the index, until one is too much for the mailbox. What is there already takes no room. */
const decide = async (mails: readonly UnderstoodMail[], parts: BatchParts) => {
  const { platform, request, own, roomLeft } = parts;
  const { mailboxId, importId } = request;
  const named = mails.map((mail) => ({ mail, emailId: derivedId<EmailId>('imported', importId, mail.id), headers: headersOf(mail) }));
  const [index, before] = await Promise.all([
    HeldIndex.load(
      platform.pool,
      named.map(({ headers }) => ({ mailboxId, mail: headers })),
    ),
    decidedBefore(
      platform.pool,
      mailboxId,
      named.map(({ emailId }) => emailId),
    ),
  ]);
  const placed: Placed[] = [];
  const duplicates: Duplicate[] = [];
  let bytes = 0;
  for (const { mail, emailId, headers } of named) {
    const brought = broughtAs(
      mail.known,
      mail.content.from.some(({ email }) => own.has(email.toLowerCase())),
    );
    const decided = before.get(emailId);
    if (decided !== undefined) {
      placed.push({ mail, emailId, threadId: decided, brought, messageIdReused: false });
      continue;
    }
    const twins = index.sameMessageId(mailboxId, headers);
    const same = twins.find(({ contentHash }) => contentHash === mail.contentHash) ?? (await sameAsHeld(twins, mailboxId, mail, platform));
    if (same !== null) {
      duplicates.push({ mail, threadId: same.threadId, brought });
      continue;
    }
    if (bytes + mail.size > roomLeft) return { index, placed, duplicates, tooMuch: mail };
    bytes += mail.size;
    const { outcome, messageIdReused } = choose(index, mailboxId, emailId, headers, mail.contentHash);
    if (outcome.type !== 'thread') throw new Error(`an import came to ${outcome.type}`); // the index was asked for the same a moment ago
    const threadId = outcome.threadId as ThreadId; // a ThreadId went in
    index.add(heldFrom(mailboxId, emailId, threadId, headers, mail.contentHash));
    placed.push({ mail, emailId, threadId, brought, messageIdReused });
  }
  return { index, placed, duplicates, tooMuch: null };
};

/** A mail without a Message-ID is known by what is in it, so that it too is brought along once. */
const headersOf = ({ content, contentHash }: UnderstoodMail) =>
  content.messageId === null ? { ...content, messageId: `${contentHash}@without.message-id.invalid` } : content;

/** Where mails of a batch that was cut short go. Primary key. */
const decidedBefore = async (pool: Pool, mailboxId: MailboxId, emails: readonly EmailId[]): Promise<ReadonlyMap<EmailId, ThreadId>> => {
  const { rows } = await pool.query<{ emailId: EmailId; threadId: ThreadId }>(
    'select email_id as "emailId", thread_id as "threadId" from filing.held where mailbox_id = $1 and email_id = any($2::uuid[])',
    [mailboxId, emails],
  );
  return new Map(rows.map(({ emailId, threadId }) => [emailId, threadId]));
};

/** Waits for the disk. Who lost the lease writes nothing. */
const writeAhead = (index: HeldIndex, placed: readonly Placed[], { platform, request, lease }: BatchParts): Promise<void> =>
  withClient(platform.pool, async (client) => {
    await client.query('begin');
    const { rows } = await client.query('select from projection.lease where name = $1 and shard = $2 and token = $3 for share', [
      lease.name,
      lease.shard,
      lease.token,
    ]);
    if (rows.length === 0) throw new Fenced(`${lease.name} has another owner`);
    await index.save(client);
    await takeInHand(client, request, placed);
    await client.query('commit');
  });

/** The same mail in another folder: its thread gets that folder's label too. */
const labelHeld = async ({ mail, threadId, brought }: Duplicate, { platform, request, labels }: BatchParts): Promise<void> => {
  const { importId, mailboxId, by } = request;
  for (const name of brought.labels) {
    const labelId = await labels.idOf(name);
    if (labelId === null) continue;
    const command = { type: 'LabelThread', threadId, mailboxId, labelId, labelled: true, by: by satisfies UserId } as const;
    const context = { commandId: derivedId<CommandId>('import-label-thread', importId, mail.id, labelId) };
    // As many labels as it can take is enough.
    await platform.commands.transact(thread, threadKey(threadId), command, context);
  }
};
