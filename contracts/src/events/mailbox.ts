/** Streams `mailbox-<mailboxId>` and, as the reservation that makes an address unique, `address-<derived from the address>`. */
import * as t from 'io-ts';
import { int, nullable, oneOf, text } from '../codec.ts';
import { MailboxId, UserId } from '../ids.ts';
import { sealed } from '../sealed.ts';
import { defineEvent, type EventOf } from './definition.ts';

export const MailboxKind = oneOf('personal', 'shared');
export type MailboxKind = t.TypeOf<typeof MailboxKind>;
export const MailboxRole = oneOf('viewer', 'editor', 'sender', 'admin');
export type MailboxRole = t.TypeOf<typeof MailboxRole>;

export const AddressClaimed = defineEvent({
  type: 'AddressClaimed',
  doc: 'An address now belongs to a mailbox; the stream id derives from the address, so a claim has one winner.',
  data: t.readonly(t.type({ mailboxId: MailboxId, address: sealed(text(3, 320)) })),
  personal: [{ subject: 'mailboxId', fields: ['address'] }],
});
export type AddressClaimed = EventOf<typeof AddressClaimed>;

export const AddressReleased = defineEvent({
  type: 'AddressReleased',
  doc: 'An address no longer belongs to a mailbox; the next claim may have it.',
  data: t.readonly(t.type({ mailboxId: MailboxId, address: sealed(text(3, 320)) })),
  personal: [{ subject: 'mailboxId', fields: ['address'] }],
});
export type AddressReleased = EventOf<typeof AddressReleased>;

export const MailboxOpened = defineEvent({
  type: 'MailboxOpened',
  doc: 'A mailbox came into being, with its main address.',
  data: t.readonly(t.type({ mailboxId: MailboxId, kind: MailboxKind, address: sealed(text(3, 320)), name: sealed(text(1, 200)) })),
  personal: [{ subject: 'mailboxId', fields: ['address', 'name'] }],
});
export type MailboxOpened = EventOf<typeof MailboxOpened>;

export const MailboxRenamed = defineEvent({
  type: 'MailboxRenamed',
  doc: 'A mailbox has another display name.',
  data: t.readonly(t.type({ mailboxId: MailboxId, name: sealed(text(1, 200)) })),
  personal: [{ subject: 'mailboxId', fields: ['name'] }],
});
export type MailboxRenamed = EventOf<typeof MailboxRenamed>;

export const MailboxMemberSet = defineEvent({
  type: 'MailboxMemberSet',
  doc: 'A user became a member of a mailbox, or their role changed.',
  data: t.readonly(t.type({ mailboxId: MailboxId, userId: UserId, role: MailboxRole })),
});
export type MailboxMemberSet = EventOf<typeof MailboxMemberSet>;

export const MailboxMemberRemoved = defineEvent({
  type: 'MailboxMemberRemoved',
  doc: 'A user is no longer a member of a mailbox.',
  data: t.readonly(t.type({ mailboxId: MailboxId, userId: UserId })),
});
export type MailboxMemberRemoved = EventOf<typeof MailboxMemberRemoved>;

export const SenderBlocked = defineEvent({
  type: 'SenderBlocked',
  doc: 'A mailbox takes no more mail from an address, or from a domain and all below it.',
  data: t.readonly(t.type({ mailboxId: MailboxId, sender: sealed(text(1, 320)), by: UserId })),
  personal: [{ subject: 'mailboxId', fields: ['sender'] }],
});
export type SenderBlocked = EventOf<typeof SenderBlocked>;

export const SenderUnblocked = defineEvent({
  type: 'SenderUnblocked',
  doc: 'A mailbox takes mail from an address or a domain again.',
  data: t.readonly(t.type({ mailboxId: MailboxId, sender: sealed(text(1, 320)), by: UserId })),
  personal: [{ subject: 'mailboxId', fields: ['sender'] }],
});
export type SenderUnblocked = EventOf<typeof SenderUnblocked>;

export const MailboxQuotaSet = defineEvent({
  type: 'MailboxQuotaSet',
  doc: 'A mailbox may keep so many bytes of mail; null: as many as the configuration says.',
  data: t.readonly(t.type({ mailboxId: MailboxId, bytes: nullable(int(0)), by: UserId })),
});
export type MailboxQuotaSet = EventOf<typeof MailboxQuotaSet>;

export const MailboxClosed = defineEvent({
  type: 'MailboxClosed',
  doc: 'A mailbox is closed for good: it takes no more mail, nobody is a member, and read models forget what it held. Its addresses were given up before.',
  data: t.readonly(t.type({ mailboxId: MailboxId, by: UserId })),
});
export type MailboxClosed = EventOf<typeof MailboxClosed>;

export const mailboxEvents = [
  AddressClaimed,
  AddressReleased,
  MailboxOpened,
  MailboxRenamed,
  MailboxMemberSet,
  MailboxMemberRemoved,
  SenderBlocked,
  SenderUnblocked,
  MailboxQuotaSet,
  MailboxClosed,
] as const;
export type MailboxEvent = EventOf<(typeof mailboxEvents)[number]>;
