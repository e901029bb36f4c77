/**
 * What stands beside the threads of a mailbox: its labels, and which threads it has from another. Which thread bears which label, and who takes
 * care of it, is in the thread view, where lists and counts need it (`threads/marks.ts`).
 */
import type { Recorded } from '@tidings/contracts/events/index';
import type { LabelChanged, LabelCreated } from '@tidings/contracts/events/label';
import type { ThreadShared } from '@tidings/contracts/events/thread';
import type { LabelId, MailboxId } from '@tidings/contracts/ids';
import type { Projection, ProjectionTx } from '@tidings/contracts/projection';
import { removalEvents, upToRemoval } from '../threads/removal.ts';
import { deleteLabels, forgetMailboxes, saveLabels } from './labels.ts';
import { forgetThread, saveShares } from './shares.ts';

export * from './queries.ts';
export * from './reading.ts';

const tables = (schema: string): string => `
  create table ${schema}.label (
    label_id uuid primary key,
    mailbox_id uuid not null,
    name text not null,
    color text not null,
    description text,
    auto boolean not null
  );
  create index label_of_mailbox on ${schema}.label (mailbox_id);
  create table ${schema}.share (
    thread_id uuid not null,
    mailbox_id uuid not null,
    role text not null,
    primary key (thread_id, mailbox_id)
  );`;

const apply = async (page: readonly Recorded[], tx: ProjectionTx): Promise<void> => {
  for (const { events, removal } of upToRemoval(page)) {
    await applyMarks(events, tx);
    // Of what is left of a thread everything that stands on it stays.
    if (removal?.some === null) await forgetThread(removal, tx);
  }
};

const applyMarks = async (page: readonly Recorded[], tx: ProjectionTx): Promise<void> => {
  const shares = new Map<string, ThreadShared['data']>();
  const labels = new Map<LabelId, Recorded<LabelCreated | LabelChanged>['data']>();
  const gone = new Set<LabelId>();
  const closed = new Set<MailboxId>();
  for (const { type, data } of page) {
    if (type === 'ThreadShared') shares.set(data.threadId + data.mailboxId, data);
    else if (type === 'LabelCreated' || type === 'LabelChanged') labels.set(data.labelId, data);
    else if (type === 'MailboxClosed') closed.add(data.mailboxId);
    else if (type === 'LabelDeleted') {
      labels.delete(data.labelId);
      gone.add(data.labelId);
    }
  }
  await saveLabels([...labels.values()], tx);
  await saveShares([...shares.values()], tx);
  await deleteLabels([...gone], tx);
  await forgetMailboxes([...closed], tx);
};

export const threadMarks: Projection = {
  name: 'thread-marks',
  version: 2,
  handles: ['ThreadShared', ...removalEvents, 'LabelCreated', 'LabelChanged', 'LabelDeleted', 'MailboxClosed'],
  tables,
  apply,
};
