/** The way of every mail into the gateway, through whichever door: its bytes are durable already, now the event is. What becomes of it is the gateway's. */
import type { Authentication, Envelope } from '@tidings/contracts/events/email';
import type { Door } from '@tidings/contracts/events/gateway-mail';
import { type CommandId, derivedId, type EmailId, type GatewayMailId, type UserId } from '@tidings/contracts/ids';
import type { StoredBlob } from '@tidings/contracts/ports/blob-store';
import { mailPersonIdOf } from '@tidings/domain/gateway/index';
import { gatewayMail, gatewayMailKey } from '@tidings/domain/gateway-mail/index';
import { normaliseAddress } from '@tidings/domain/mail/address';
import { appendAfter } from '@tidings/infra/blobs/append-after';
import * as E from 'fp-ts/lib/Either.js';
import type { Platform } from '../platform.ts';

export interface MailToTake {
  /** The same one for the same delivery; whether two deliveries bring the same mail is found later. */
  readonly mailId: GatewayMailId;
  readonly door: Door;
  readonly blob: StoredBlob;
  readonly envelope: Envelope;
  /** What a relay that we trust found; null where we look for ourselves. */
  readonly said: Authentication | null;
  /** What it is in mailboxes of ours, where it came for those too. */
  readonly emailId?: EmailId;
  readonly traceId?: string;
}

/** Its stream begins with this, so it is not read before; where it has begun before, the append finds out. */
const newMail = { ...gatewayMail, writtenOnce: true as const };

/** Once more with the same id changes nothing. @throws what the log and the blobs throw when they are out of reach: nobody has it then */
export const takeGatewayMail = async (platform: Pick<Platform, 'blobs' | 'commands'>, mail: MailToTake): Promise<void> => {
  const { mailId, door, blob, envelope, said, emailId, traceId } = mail;
  const received = {
    ...{ mailId, door, blobId: blob.id, size: blob.size, senderId: senderOf(envelope.mailFrom), envelope, said },
    ...(emailId === undefined ? {} : { emailId }),
  };
  const taken = await appendAfter(platform.blobs, blob.id, () =>
    platform.commands.transact(
      newMail,
      gatewayMailKey(mailId),
      { type: 'ReceiveGatewayMail', mail: received },
      { commandId: derivedId<CommandId>('receive-gateway-mail', mailId), ...(traceId === undefined ? {} : { traceId }) },
    ),
  );
  if (E.isLeft(taken)) throw new Error(`${taken.left.type}: ${mailId}`); // receiving is never refused
};

/** An address that is none, and the null sender, are nobody's; still each has a subject of its own. */
const senderOf = (mailFrom: string): UserId => {
  const normal = normaliseAddress(mailFrom);
  return E.isRight(normal) ? mailPersonIdOf(normal.right) : derivedId<UserId>('no-mail-person', mailFrom);
};
