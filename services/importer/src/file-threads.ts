/**
 * The last step of a batch: what was decided is filed, thread by thread. Read models order old mail by when it was received, so order matters within a
 * thread alone, and all that a batch adds to one goes into its stream at once: an append for each thread, and a commit for many threads.
 */
import { derivedId, type CommandId, type EmailId, type ImportId, type MailboxId, type ThreadId } from '@tidings/contracts/ids';
import { timestamp } from '@tidings/contracts/time';
import type { Brought } from '@tidings/domain/import/index';
import { type EmailToFile, thread, threadKey, threadStartedBy } from '@tidings/domain/thread/index';
import * as E from 'fp-ts/lib/Either.js';
import { chunksOf } from 'fp-ts/lib/ReadonlyArray.js';
import { isPassing } from '../../filing/src/passing.ts';
import type { Platform } from '../../platform/src/platform.ts';
import type { Labels } from './labels.ts';
import type { UnderstoodMail } from './understand.ts';

/** An email and the thread that was chosen for it. */
export interface Placed {
  readonly mail: UnderstoodMail;
  readonly emailId: EmailId;
  readonly threadId: ThreadId;
  readonly brought: Brought;
  readonly messageIdReused: boolean;
}

/** One that could not be filed, and why. */
export interface Fault {
  readonly emailId: EmailId;
  readonly mail: UnderstoodMail;
  readonly reason: string;
}

export interface FilingParts {
  readonly platform: Pick<Platform, 'commands' | 'now'>;
  readonly request: { readonly importId: ImportId; readonly mailboxId: MailboxId };
  readonly labels: Labels;
}

/** Of one thread at once: also in a thread that is shared as widely as can be it stays below what one append may hold. */
const GROUP = 20;

/** @returns what is wrong with single mails; the others are filed, durably. @throws for outages */
export const fileThreads = async (placed: readonly Placed[], parts: FilingParts): Promise<readonly Fault[]> => {
  await Promise.all(labelNames(placed).map((name) => parts.labels.idOf(name)));
  const emails = await Promise.all(placed.map(async (one) => [one, await emailOf(one, parts)] as const));
  const groups = byThread(emails).flatMap((ofThread) => chunksOf(GROUP)(ofThread));
  return (await Promise.all(groups.map((group) => fileGroup(group, parts)))).flat();
};

const labelNames = (placed: readonly Placed[]): readonly string[] => [...new Set(placed.flatMap(({ brought }) => brought.labels))];

type ToFile = readonly [Placed, EmailToFile];

/** In the order of their first emails. */
const byThread = (emails: readonly ToFile[]): readonly (readonly ToFile[])[] => [
  ...Map.groupBy(emails, ([{ threadId }]) => threadId).values(),
];

const emailOf = async ({ mail, emailId, threadId, brought, messageIdReused }: Placed, parts: FilingParts): Promise<EmailToFile> => {
  const { importId, mailboxId } = parts.request;
  const { place, direction, keywords, starred } = brought;
  const ids = await Promise.all(brought.labels.map((name) => parts.labels.idOf(name)));
  return {
    ...{ threadId, mailboxId, emailId, blobId: mail.blobId, bodyBlobId: mail.bodyBlobId, size: mail.size },
    ...{ direction, place, messageIdReused, envelope: null, content: mail.content },
    imported: { importId, receivedAt: receivedAt(mail, parts.platform.now()), keywords, starred, labels: ids.filter((id) => id !== null) },
  };
};

/** Where it was, when it was sent, or now; never in the future, and within what has a date (1970 on). */
const receivedAt = ({ at, content }: UnderstoodMail, now: number) => {
  const known = at ?? (content.sentAt === null ? now : Date.parse(content.sentAt));
  return timestamp(Math.min(now, Math.max(0, known)));
};

/** A thread that begins with this email has no past to read first. */
const newThread = { ...thread, writtenOnce: true as const };

/** Where one of several cannot be filed, the others are, each by itself. */
const fileGroup = async (group: readonly ToFile[], parts: FilingParts): Promise<readonly Fault[]> => {
  const [first] = group;
  if (first === undefined) return [];
  const [{ mail, emailId, threadId }] = first;
  const { importId, mailboxId } = parts.request;
  const decider = threadId === threadStartedBy(mailboxId, emailId) ? newThread : thread;
  const command = { type: 'FileEmails', emails: group.map(([, email]) => email) } as const;
  const context = { commandId: derivedId<CommandId>('import-file', importId, ...group.map(([placed]) => placed.emailId)) };
  try {
    const filed = await parts.platform.commands.transact(decider, threadKey(threadId), command, context);
    return E.isLeft(filed) ? group.map(([placed]) => ({ ...placed, reason: `its thread refused it: ${filed.left.type}` })) : [];
  } catch (error) {
    if (isPassing(error)) throw error;
    if (group.length === 1) return [{ emailId, mail, reason: error instanceof Error ? error.message : String(error) }];
    const faults: Fault[] = [];
    for (const one of group) faults.push(...(await fileGroup([one], parts)));
    return faults;
  }
};
