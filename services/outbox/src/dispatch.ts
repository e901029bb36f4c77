/**
 * Sending a draft off, in two steps that a crash may part anywhere. First it is claimed on its own stream, where taking it back may have been
 * faster; the claim says which thread it goes into. What follows from the claim (filed in its sender's thread, queued to go out) is done by
 * commands whose ids derive from it, so doing it again changes nothing.
 */
import type { DraftDispatched } from '@tidings/contracts/events/draft';
import type { Recorded } from '@tidings/contracts/events/index';
import { type CommandId, derivedId, type DraftId, type MailboxId, subjectId, type ThreadId } from '@tidings/contracts/ids';
import { BlobNotFound } from '@tidings/contracts/ports/blob-store';
import { isShredded, reveal } from '@tidings/contracts/sealed';
import { draft, draftKey, type DraftState, type Submission } from '@tidings/domain/draft/index';
import { chooseThread } from '@tidings/domain/mail/threading';
import { mailbox, mailboxKey } from '@tidings/domain/mailbox/index';
import { outbound, outboundKey } from '@tidings/domain/outbound/index';
import { accessOf, thread, threadKey, threadStartedBy } from '@tidings/domain/thread/index';
import type { CommandContext } from '@tidings/infra/event-store/event-store';
import type { Mime } from '@tidings/infra/mime/mime';
import * as E from 'fp-ts/lib/Either.js';
import type { Logger } from 'pino';
import { HeldIndex } from '../../filing/src/held-index.ts';
import { isPassing } from '../../filing/src/passing.ts';
import { readContent } from '../../platform/src/draft-content.ts';
import type { Platform } from '../../platform/src/platform.ts';
import type { Due } from './due.ts';
import { fileSent } from './file-sent.ts';

export interface DispatchParts {
  readonly platform: Pick<Platform, 'commands' | 'blobs' | 'pool' | 'keys'>;
  readonly mime: Mime;
  readonly logger: Logger;
}

const contextOf = (step: string, draftId: DraftId, submission: number, causationId?: string): CommandContext => ({
  commandId: derivedId<CommandId>('outbox', step, draftId, submission),
  ...(causationId === undefined ? {} : { causationId }),
});

/** Nothing for one that was taken back, or whose mailbox is gone. @throws for outages, which pass */
export const claim = async ({ platform, mime }: DispatchParts, { draftId, submission }: Due): Promise<void> => {
  const { commands } = platform;
  const { state } = await commands.load(draft, draftKey(draftId));
  if (state.kind !== 'submitted' || state.submission.submission !== submission) return;
  if (!(await isOpen(platform, state.submission.mailboxId))) return;
  const threadId = await threadFor({ platform, mime }, state.submission);
  const command = { type: 'DispatchDraft', draftId, submission, threadId } as const;
  await commands.transact(draft, draftKey(draftId), command, contextOf('claim', draftId, submission));
};

/** Without its key nothing of a mailbox can be read, so nothing can be sent. */
const isOpen = async ({ commands, keys }: DispatchParts['platform'], mailboxId: MailboxId): Promise<boolean> => {
  const subject = subjectId(mailboxId);
  if ((await keys.obtain([subject])).get(subject) === null) return false;
  return (await commands.load(mailbox, mailboxKey(mailboxId))).state.kind === 'open';
};

/** The thread that the draft answers in, while its mailbox may write there; else where any mail with these headers belongs. */
const threadFor = async (
  { platform, mime }: Pick<DispatchParts, 'platform' | 'mime'>,
  { mailboxId, emailId, threadId, rawBlobId }: Submission,
): Promise<ThreadId> => {
  const mayWriteIn = async (id: ThreadId): Promise<boolean> =>
    accessOf((await platform.commands.load(thread, threadKey(id))).state, mailboxId) === 'editor';
  if (threadId !== null && (await mayWriteIn(threadId))) return threadId;
  const { content: mail } = await mime.parse(await platform.blobs.read(rawBlobId));
  const index = await HeldIndex.load(platform.pool, [{ mailboxId, mail }]);
  const choice = chooseThread(mail, index.candidates(mailboxId, mail));
  return choice.type === 'join' && (await mayWriteIn(choice.threadId)) ? choice.threadId : threadStartedBy(mailboxId, emailId);
};

/** What follows from a claim. @throws for outages, which pass */
export const sendOff = async (parts: DispatchParts, event: Recorded<DraftDispatched>): Promise<void> => {
  const { platform, logger } = parts;
  const { draftId, mailboxId } = event.data;
  const { state } = await platform.commands.load(draft, draftKey(draftId));
  if (state.kind !== 'dispatched' || isShredded(state.submission.envelope) || !(await isOpen(platform, mailboxId))) return;
  // What is wrong with its place must not keep the mail from going out.
  const misplaced = await file(parts, event, state).catch((error: unknown) => {
    if (isPassing(error)) throw error;
    return error;
  });
  if (misplaced !== null) logger.error({ err: misplaced, draftId }, 'a sent mail cannot be filed in its thread');
  await queue(parts, event, state.submission);
  await markAnswered(parts, event, state);
};

type Dispatched = Extract<DraftState, { readonly kind: 'dispatched' }>;

/** @returns why its thread does not take it; null when it is there @throws for outages, and for what is wrong with its bytes */
const file = async (
  { platform, mime }: DispatchParts,
  { id, data: { draftId, submission, mailboxId, emailId, threadId } }: Recorded<DraftDispatched>,
  { submission: { rawBlobId, size, envelope } }: Dispatched,
): Promise<string | null> => {
  const { from = '', recipients = [] } = reveal(envelope, null) ?? {};
  const sent = { threadId, mailboxId, emailId, rawBlobId, size, from, recipients: recipients.map(({ address }) => address) };
  return fileSent(platform, mime, sent, contextOf('file', draftId, submission, id));
};

const queue = async (
  { platform: { commands } }: DispatchParts,
  { id, data: { draftId, submission, mailboxId, emailId, threadId } }: Recorded<DraftDispatched>,
  { rawBlobId, size, messageId, envelope, by }: Submission,
): Promise<void> => {
  const going = reveal(envelope, null);
  if (going === null) return; // erased meanwhile
  const command = {
    ...({ type: 'Queue', emailId, mailboxId, threadId, rawBlobId, size, messageId } as const),
    ...{ envelopeFrom: going.from, recipients: going.recipients, queuedBy: by },
  };
  const queued = await commands.transact(outbound, outboundKey(emailId), command, contextOf('queue', draftId, submission, id));
  if (E.isLeft(queued)) throw new Error(`queueing was refused: ${queued.left.type}`);
};

/** On the mail that was answered or passed on, for who looks at it next. */
const markAnswered = async (
  { platform: { commands, blobs } }: DispatchParts,
  { id, data: { draftId, submission, mailboxId } }: Recorded<DraftDispatched>,
  { saved, submission: { by } }: Dispatched,
): Promise<void> => {
  const content =
    saved === null
      ? null
      : await readContent(blobs, { content: reveal(saved.content, null), contentBlobId: saved.contentBlobId }).catch((error: unknown) => {
          if (error instanceof BlobNotFound) return null; // done before, and cleared away since
          throw error;
        });
  const parent = content?.inReplyTo ?? null;
  if (parent === null) return;
  const set = parent.mode === 'forward' ? { $forwarded: true } : { $answered: true };
  const { threadId, emailId } = parent;
  const command = { type: 'SetKeywords', threadId, mailboxId, emailId, set, by } as const;
  // It may be gone from there: then there is nothing to mark.
  await commands.transact(thread, threadKey(threadId), command, contextOf('answered', draftId, submission, id));
};
