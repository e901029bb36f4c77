/**
 * The live feed (architecture §6): every event that someone is told of, rendered once and keyed by audience instead of copied to each
 * member. Who may see an entry follows from the membership intervals at its position, live and on resume alike.
 */
import type { Projection, ProjectionTx } from '@tidings/contracts/projection';
import { segmentsOf } from '../chat-view/index.ts';
import { amendEarlier } from './amend.ts';
import * as chat from './chat.ts';
import { notificationSent } from './custom.ts';
import { eraseFrom } from './erasure.ts';
import { loadFacts, type Facts } from './facts.ts';
import { importChanged } from './imports.ts';
import * as mail from './mail.ts';
import { messageChanged } from './messages.ts';
import * as rooms from './rooms.ts';
import type { Row } from './rows.ts';
import { isTold, told, type Told } from './told.ts';
import { forget, forgetMailboxes, store, type PlacedRow } from './store.ts';
import { indexes, tables } from './tables.ts';

export const feed: Projection = {
  name: 'feed',
  version: 7,
  urgent: true,
  handles: told,
  tables,
  indexes,
  apply: async (page, tx) => {
    for (const { events, erased } of segmentsOf(page.filter(isTold))) {
      await applySegment(events, tx);
      if (erased !== null) await eraseFrom(tx, erased);
    }
  },
};

const applySegment = async (events: readonly Told[], tx: ProjectionTx): Promise<void> => {
  const last = events.at(-1);
  if (last === undefined) return;
  const { facts, keptSince } = await loadFacts(events, tx);
  const rows: PlacedRow[] = [];
  for (const event of events) {
    rowsOf(event, facts).forEach((row, index) => {
      rows.push({ ...row, position: event.position, index, recordedAt: event.recordedAt, amendedAt: null });
    });
  }
  await store(await amendEarlier(rows, tx), facts, tx);
  await forgetMailboxes(events, tx);
  await forget(last.recordedAt, keptSince, tx);
};

/** Changes the facts by one event and says what the feed gets, in the order of the feed: who leaves, what is told, who joins. */
const rowsOf = (event: Told, facts: Facts): readonly Row[] => {
  switch (event.type) {
    case 'UserRegistered':
    case 'UserProfileChanged':
      return chat.userSeen(event, facts);
    case 'FriendshipRequested':
      return chat.friendshipRequested(event, facts);
    case 'FriendshipAccepted':
      return chat.friendshipAccepted(event, facts);
    case 'FriendshipEnded':
      return chat.friendshipOver(event.data.by, event.data.to, facts);
    case 'UserBlocked':
      return chat.userBlocked(event, facts);
    case 'UserUnblocked':
      return chat.userUnblocked(event, facts);
    case 'RoomCreated':
      return chat.roomCreated(event, facts);
    case 'RoomJoined':
      return chat.roomJoined(event, facts);
    case 'RoomLeft':
      return chat.roomLeft(event, facts);
    case 'RoomClosed':
      return chat.roomClosed(event, facts);
    case 'RoomRenamed':
      return rooms.roomRenamed(event, facts);
    case 'RoomImageChanged':
      return rooms.roomImageChanged(event, facts);
    case 'MemberRoleChanged':
      return rooms.memberRoleChanged(event);
    case 'RoomDelivered':
      return rooms.roomDelivered(event);
    case 'MessageSent':
      return chat.messageSent(event, facts);
    case 'MessageEdited':
    case 'MessageDeleted':
    case 'ReactionAdded':
    case 'ReactionRemoved':
    case 'MessagePinned':
    case 'MessageUnpinned':
    case 'MessageMailed':
    case 'MessageNotMailed':
    case 'MessageMailStatusChanged':
      return messageChanged(event);
    case 'SubjectErased':
      return []; // nobody is told; what it takes away goes behind it
    case 'RoomRead':
      return chat.roomRead(event);
    case 'NotificationSent':
      return notificationSent(event);
    case 'MailboxMemberSet':
      return mail.memberSet(event, facts);
    case 'MailboxMemberRemoved':
      return mail.memberRemoved(event, facts);
    case 'MailboxClosed':
      return mail.mailboxClosed(event, facts);
    case 'AddressClaimed':
    case 'AddressReleased':
    case 'MailboxRenamed':
    case 'SenderBlocked':
    case 'SenderUnblocked':
    case 'MailboxQuotaSet':
      return mail.mailboxChanged(event, facts);
    case 'EmailFiled':
      return mail.emailFiled(event);
    case 'ThreadRead':
    case 'EmailsMoved':
    case 'ThreadStarred':
    case 'ThreadLabelled':
    case 'ThreadAssigned':
    case 'ThreadUnassigned':
    case 'CommentPosted':
    case 'CommentEdited':
    case 'CommentDeleted':
    case 'ThreadShared':
    case 'EmailKeywordsSet':
    case 'EmailsDestroyed':
    case 'EmailsSplitOff':
    case 'ThreadSplitOff':
    case 'ThreadUnshared':
      return mail.threadChanged(event);
    case 'DraftSaved':
    case 'DraftDiscarded':
    case 'DraftSubmitted':
    case 'DraftSendUndone':
    case 'DraftDispatched':
      return mail.draftChanged(event);
    case 'ImportProgressed':
    case 'ImportFinished':
    case 'ImportFailed':
    case 'ImportCancelled':
      return importChanged(event);
    case 'EmailQueued':
    case 'RecipientsDelivered':
    case 'RecipientsDeliveredInternally':
    case 'RecipientsDeferred':
    case 'RecipientsFailed':
    case 'RecipientsOutcomeUnknown':
    case 'RecipientsRetried':
    case 'RecipientsCancelled':
    case 'RecipientsDismissed':
    case 'RecipientsReported':
    case 'RecipientsComplained':
    case 'RecipientsAcknowledged':
      return mail.deliveryChanged(event);
  }
};
