/** Puts an answer of Tidings' own on its way: from the null sender, so that nothing comes back and nothing answers it (RFC 3834 §3.3, RFC 8098 §3). */
import { type BlobId, type CommandId, derivedId, type EmailId, type MailboxId, type ThreadId } from '@tidings/contracts/ids';
import { outbound, outboundKey } from '@tidings/domain/outbound/index';
import { appendAfter } from '@tidings/infra/blobs/append-after';
import * as E from 'fp-ts/lib/Either.js';
import type { Platform } from '../../../platform/src/platform.ts';

export interface Answer {
  /** Derives from what is answered: doing it again sends nothing twice. */
  readonly emailId: EmailId;
  readonly mailboxId: MailboxId;
  readonly threadId: ThreadId;
  readonly messageId: string;
  readonly to: readonly string[];
  readonly causationId: string;
}

export interface Queued {
  readonly rawBlobId: BlobId;
  readonly size: number;
}

/** @param compose only where it is not on its way yet. @throws for outages, which pass */
export const queueAnswer = async (
  { commands, blobs }: Pick<Platform, 'commands' | 'blobs'>,
  { emailId, mailboxId, threadId, messageId, to, causationId }: Answer,
  compose: () => Promise<Uint8Array>,
): Promise<Queued> => {
  const { state } = await commands.load(outbound, outboundKey(emailId));
  if (state.kind === 'queued') return state;
  const { id: rawBlobId, size } = await blobs.put(await compose(), { thenAppended: true });
  const command = {
    ...({ type: 'Queue', emailId, mailboxId, threadId, rawBlobId, size, messageId, envelopeFrom: '', queuedBy: null } as const),
    recipients: to.map((address) => ({ address, kind: 'to' as const })),
  };
  const context = { commandId: derivedId<CommandId>('queue-answer', emailId), causationId };
  const queued = await appendAfter(blobs, rawBlobId, () => commands.transact(outbound, outboundKey(emailId), command, context));
  if (E.isRight(queued)) return { rawBlobId, size };
  // Another node was faster: its mail goes.
  const { state: now } = await commands.load(outbound, outboundKey(emailId));
  if (now.kind === 'queued') return now;
  throw new Error(`queueing was refused: ${queued.left.type}`);
};
