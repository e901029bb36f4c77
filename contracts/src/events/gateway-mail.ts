/**
 * Mail that comes in by the gateway, through whichever door. Stream `gatewaymail-<mailId>`: one arrival and what became of it. Stream
 * `mailclaim-<id>`, by Message-ID: which arrival counts, so that no mail is processed twice.
 */
import * as t from 'io-ts';
import { int, nullable, oneOf, text } from '../codec.ts';
import { BlobId, ConversationId, EmailId, GatewayMailId, MessageId, UserId } from '../ids.ts';
import { sealed } from '../sealed.ts';
import { defineEvent, type EventOf } from './definition.ts';
import { Authentication, Envelope } from './email.ts';

export const Door = oneOf('smtp', 'webhook', 'postmark', 'sendgrid', 'mailgun', 'ses', 'imap');
export type Door = t.TypeOf<typeof Door>;

export const GatewayMailReceived = defineEvent({
  type: 'GatewayMailReceived',
  version: 2,
  doc: 'A mail for the gateway was taken: its bytes are durable, and whoever brought it was told so.',
  data: t.readonly(
    t.intersection([
      t.type({
        mailId: GatewayMailId,
        door: Door,
        blobId: BlobId,
        size: int(0),
        /** Of the envelope, as a user (who need not be registered): whose data this is. */
        senderId: UserId,
        envelope: sealed(Envelope),
        /** What a relay that we trust found of its author; null where we look for ourselves. */
        said: nullable(Authentication),
      }),
      /** What it is in mailboxes of ours, where it came for those too. */
      t.partial({ emailId: EmailId }),
    ]),
  ),
  personal: [{ subject: 'senderId', fields: ['envelope'] }],
  // Where else earlier ones came was not written down.
  upcasts: [{ to: 2, apply: (data) => data }],
});
export type GatewayMailReceived = EventOf<typeof GatewayMailReceived>;

export const GatewayMailClaimed = defineEvent({
  type: 'GatewayMailClaimed',
  doc: 'This arrival of a mail is the one that counts. `messageIdReused`: an earlier mail with its Message-ID says something else.',
  data: t.readonly(t.type({ mailId: GatewayMailId, contentHash: text(64, 64), messageIdReused: t.boolean })),
});
export type GatewayMailClaimed = EventOf<typeof GatewayMailClaimed>;

/** `posted` to a chat, `filed` in a mailbox, `held` for a member to confirm; `duplicate` and `loop` go no further, `refused` is nobody's. */
export const GatewayOutcome = oneOf('posted', 'filed', 'held', 'duplicate', 'loop', 'refused');
export type GatewayOutcome = t.TypeOf<typeof GatewayOutcome>;

/** What a held mail says of itself, for whoever is to decide. */
export const HeldClaim = t.readonly(t.type({ name: nullable(t.string), email: t.string, subject: t.string, preview: t.string }));
export type HeldClaim = t.TypeOf<typeof HeldClaim>;

export const GatewayMailSettled = defineEvent({
  type: 'GatewayMailSettled',
  doc: 'The gateway is done with a mail, or holds it until a member of the conversation has confirmed or refused it.',
  data: t.readonly(
    t.type({
      mailId: GatewayMailId,
      senderId: UserId,
      outcome: GatewayOutcome,
      /** Why it is held, or goes no further. */
      reason: nullable(text(1, 200)),
      conversationId: nullable(ConversationId),
      /** Whom it is from, or claims to be. */
      userId: nullable(UserId),
      messageIds: t.readonlyArray(MessageId),
      /** Of a held mail. */
      claim: sealed(nullable(HeldClaim)),
    }),
  ),
  personal: [{ subject: 'senderId', fields: ['claim'] }],
});
export type GatewayMailSettled = EventOf<typeof GatewayMailSettled>;

const decided = { mailId: GatewayMailId, senderId: UserId, by: UserId };

export const HeldMailConfirmed = defineEvent({
  type: 'HeldMailConfirmed',
  doc: 'A member vouches for a held mail: it is posted.',
  data: t.readonly(t.type(decided)),
});
export type HeldMailConfirmed = EventOf<typeof HeldMailConfirmed>;

export const HeldMailRefused = defineEvent({
  type: 'HeldMailRefused',
  doc: 'A member refused a held mail: it goes no further, and its bytes go.',
  data: t.readonly(t.type(decided)),
});
export type HeldMailRefused = EventOf<typeof HeldMailRefused>;

export const gatewayMailEvents = [GatewayMailReceived, GatewayMailClaimed, GatewayMailSettled, HeldMailConfirmed, HeldMailRefused] as const;
export type GatewayMailEvent = EventOf<(typeof gatewayMailEvents)[number]>;
