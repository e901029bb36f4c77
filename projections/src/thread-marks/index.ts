/**
 * What stands on threads beside their emails: the labels of each mailbox, and who takes care of them. A mark keeps the place of its thread in the list, so that the threads
 * of a label are a walk along an index like any other list (`threads/queries.ts`).
 */
import type { Recorded } from '@tidings/contracts/events/index';
import type { LabelChanged, LabelCreated, LabelDeleted } from '@tidings/contracts/events/label';
import type { MailboxClosed } from '@tidings/contracts/events/mailbox';
import type { EmailFiled, ThreadAssigned, ThreadLabelled, ThreadShared, ThreadUnassigned } from '@tidings/contracts/events/thread';
import type { SubjectErased } from '@tidings/contracts/events/user';
import type { LabelId, MailboxId, UserId } from '@tidings/contracts/ids';
import type { Projection, ProjectionTx } from '@tidings/contracts/projection';
import { deleteLabels, forgetMailboxes, saveLabels } from './labels.ts';
import { upToUnshared } from '../threads/unshared.ts';
import { forgetThread, saveShares } from './shares.ts';
import { type Mark, type Ranked, rankMarks, removeMarksOf, saveMarks, saveRanked } from './store.ts';

export * from './queries.ts';
export * from './reading.ts';

/** `ranked` is where each thread stands, for marks to come; `mark` where those with one do; `share` which mailboxes have one from another. */
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
  create table ${schema}.ranked (
    thread_id uuid not null,
    mailbox_id uuid not null,
    last_at timestamptz not null,
    last_position text collate "C" not null,
    primary key (thread_id, mailbox_id)
  );
  create table ${schema}.mark (
    thread_id uuid not null,
    mailbox_id uuid not null,
    kind text not null,
    marked uuid not null,
    last_at timestamptz not null,
    last_position text collate "C" not null,
    primary key (thread_id, mailbox_id, kind, marked)
  );
  create table ${schema}.share (
    thread_id uuid not null,
    mailbox_id uuid not null,
    role text not null,
    primary key (thread_id, mailbox_id)
  );
  create index mark_by_what on ${schema}.mark (marked);`;

const indexes = (schema: string): string => `create index mark_list on ${schema}.mark (mailbox_id, kind, marked, last_at, last_position);`;

const handled = [
  'EmailFiled',
  'ThreadLabelled',
  'ThreadAssigned',
  'ThreadUnassigned',
  'ThreadShared',
  'ThreadUnshared',
  'LabelCreated',
  'LabelChanged',
  'LabelDeleted',
  'MailboxClosed',
  'SubjectErased',
] as const;
type Handled = Recorded<
  | EmailFiled
  | ThreadLabelled
  | ThreadAssigned
  | ThreadUnassigned
  | ThreadShared
  | LabelCreated
  | LabelChanged
  | LabelDeleted
  | MailboxClosed
  | SubjectErased
>;

const isHandled = (event: Recorded): event is Handled => event.type !== 'ThreadUnshared' && threadMarks.handles.includes(event.type);

const apply = async (page: readonly Recorded[], tx: ProjectionTx): Promise<void> => {
  for (const { events, unshared } of upToUnshared(page)) {
    await applyMarks(events, tx);
    if (unshared !== null) await forgetThread(unshared, tx);
  }
};

const applyMarks = async (page: readonly Recorded[], tx: ProjectionTx): Promise<void> => {
  const ranked = new Map<string, Ranked>();
  const marks = new Map<string, Mark>();
  const shares = new Map<string, ThreadShared['data']>();
  const labels = new Map<LabelId, Recorded<LabelCreated | LabelChanged>['data']>();
  const gone = new Set<LabelId>();
  const erased = new Set<UserId>();
  const closed = new Set<MailboxId>();
  for (const event of page) {
    if (!isHandled(event)) continue;
    switch (event.type) {
      case 'EmailFiled':
        if (ranks(event)) rank(event, ranked);
        break;
      case 'ThreadLabelled': {
        const { threadId, mailboxId, labelId, labelled } = event.data;
        marks.set(threadId + mailboxId + labelId, { threadId, mailboxId, kind: 'label', marked: labelId, present: labelled });
        break;
      }
      case 'ThreadAssigned':
      case 'ThreadUnassigned': {
        const { threadId, mailboxIds, userId } = event.data;
        const present = event.type === 'ThreadAssigned';
        for (const mailboxId of mailboxIds) {
          marks.set(threadId + mailboxId + userId, { threadId, mailboxId, kind: 'assignee', marked: userId, present });
        }
        break;
      }
      case 'ThreadShared': {
        const { threadId, mailboxId, assignees } = event.data;
        shares.set(threadId + mailboxId, event.data);
        for (const marked of assignees) {
          marks.set(threadId + mailboxId + marked, { threadId, mailboxId, kind: 'assignee', marked, present: true });
        }
        break;
      }
      case 'LabelCreated':
      case 'LabelChanged':
        labels.set(event.data.labelId, event.data);
        break;
      case 'LabelDeleted':
        labels.delete(event.data.labelId);
        gone.add(event.data.labelId);
        break;
      case 'MailboxClosed':
        closed.add(event.data.mailboxId);
        break;
      case 'SubjectErased':
        erased.add(event.data.userId);
    }
  }
  await saveLabels([...labels.values()], tx);
  await saveRanked([...ranked.values()], tx);
  await rankMarks([...ranked.values()], tx);
  await saveShares([...shares.values()], tx);
  await saveMarks([...marks.values()], tx);
  await deleteLabels([...gone], tx);
  await removeMarksOf('label', [...gone], tx);
  await removeMarksOf('assignee', [...erased], tx);
  await forgetMailboxes([...closed], tx);
};

export const threadMarks: Projection = { name: 'thread-marks', version: 1, handles: handled, tables, indexes, apply };

/** What goes straight to spam or trash does not bring a conversation up. */
const ranks = ({ data: { place, startsThread } }: EmailFiled): boolean => startsThread || (place !== 'spam' && place !== 'trash');

const rank = ({ data: { threadId, mailboxId }, recordedAt, position }: Recorded<EmailFiled>, ranked: Map<string, Ranked>): void => {
  ranked.set(threadId + mailboxId, { threadId, mailboxId, at: recordedAt, position });
};
