/** What is sent is kept in the mailbox too: one that is full sends nothing until it may hold more. */
import type { MailboxId } from '@tidings/contracts/ids';
import { mailbox, mailboxKey } from '@tidings/domain/mailbox/index';
import { ApiError } from '../../../../http-kit/src/errors.ts';
import { roomIn } from '../../../../platform/src/mailbox-room.ts';
import type { Platform } from '../../../../platform/src/platform.ts';

/** @throws ApiError 409 */
export type AssertRoom = (mailboxId: MailboxId, size: number) => Promise<void>;

export const roomGuard = (platform: Platform): AssertRoom => {
  const tooFull = roomIn(platform);
  return async (mailboxId, size) => {
    const { state } = await platform.commands.load(mailbox, mailboxKey(mailboxId));
    const full = await tooFull(mailboxId, state, size);
    if (full === null) return;
    const message = `is too full: it may hold ${full.quota} bytes (its quota), holds ${full.used}, and this mail has ${size}`;
    throw new ApiError(
      'CONFLICT',
      'The mailbox has no room for the mail, which it keeps as sent. Destroy some, or ask for a larger quota.',
      {
        fields: [{ path: 'mailboxId', message }],
      },
    );
  };
};
