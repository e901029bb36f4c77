/** Mailboxes as a caller sees them: what they are from this read model, how full they are from the threads'. */
import type { Mailbox, MailboxMember } from '@tidings/contracts/http/mail-objects';
import type { MailboxId, UserId } from '@tidings/contracts/ids';
import { namesOf, type ReadModels } from '../chat-view/reading.ts';
import { countsOf } from '../threads/queries.ts';
import type { MailboxRow } from './queries.ts';

/** What `readMailboxes` reads, by projection name; for `settle` and `reads`. */
export const MAILBOX_READS = ['mailboxes', 'threads'] as const;

/** In the order given. */
export const readMailboxes = async ({ read, liveSchema }: ReadModels, found: readonly MailboxRow[]): Promise<readonly Mailbox[]> => {
  if (found.length === 0) return [];
  const ids: readonly MailboxId[] = found.map(({ id }) => id);
  const counted = new Map((await read.any(countsOf(liveSchema('threads'), ids))).map((row) => [row.mailboxId, row]));
  return found.map(({ id, address, aliases, name, kind, role }) => {
    const all = counted.get(id)?.views.all;
    return { id, address, aliases, name, kind, role, counts: { unreadThreads: all?.unread ?? 0, threads: all?.threads ?? 0 } };
  });
};

type Member = Omit<MailboxMember, 'displayName'>;

/** With their names, in the order given. */
export const readMembers = async (models: ReadModels, members: readonly Member[]): Promise<readonly MailboxMember[]> => {
  const nameOf = await namesOf(
    models,
    members.map(({ userId }) => userId),
  );
  return members.map(({ userId, role }) => ({ userId, displayName: nameOf(userId), role }));
};

/** Users with their names, in the order given. */
export const readNamed = async (
  models: ReadModels,
  users: readonly UserId[],
): Promise<readonly { readonly userId: UserId; readonly displayName: string }[]> => {
  const nameOf = await namesOf(models, users);
  return users.map((userId) => ({ userId, displayName: nameOf(userId) }));
};
