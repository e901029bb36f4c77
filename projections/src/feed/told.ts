/** The events that someone is told of, or that change what others are told. */
import type { EventType, Recorded } from '@tidings/contracts/events/index';
import { importChanges } from './imports.ts';
import { deliveryChanges, draftChanges, mailboxChanges, threadChanges } from './mail.ts';
import { messageChanges } from './messages.ts';

export const told = [
  'UserRegistered',
  'UserProfileChanged',
  'SubjectErased',
  'FriendshipRequested',
  'FriendshipAccepted',
  'FriendshipEnded',
  'UserBlocked',
  'UserUnblocked',
  'RoomCreated',
  'RoomJoined',
  'RoomLeft',
  'RoomClosed',
  'MessageSent',
  ...messageChanges,
  'RoomRenamed',
  'RoomImageChanged',
  'MemberRoleChanged',
  'RoomRead',
  'RoomDelivered',
  'NotificationSent',
  'MailboxMemberSet',
  'MailboxMemberRemoved',
  'MailboxClosed',
  ...mailboxChanges,
  'EmailFiled',
  ...threadChanges,
  ...draftChanges,
  ...importChanges,
  ...deliveryChanges,
] as const satisfies readonly EventType[];

export type Told = Extract<Recorded, { readonly type: (typeof told)[number] }>;

const types: ReadonlySet<string> = new Set(told);
/** Whether events of these types may concern the feed. */
export const mayBeTold = (some: readonly string[]): boolean => some.some((type) => types.has(type));
export const isTold = (event: Recorded): event is Told => types.has(event.type);
