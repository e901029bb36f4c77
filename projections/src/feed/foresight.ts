/**
 * What the feed's table will say of an event, told before the table does. Most events render by themselves; a message needs its room's count
 * and its sender's name, and both stand in the rows told last. Whatever this does not know, only the table can say: it never guesses.
 *
 * Rows are made by the very functions that fill the table, so ids and bytes are the same.
 */
import type { Recorded } from '@tidings/contracts/events/index';
import type { MessageSent } from '@tidings/contracts/events/message';
import type { LiveEvent } from '@tidings/contracts/http/live';
import type { RoomId, UserId } from '@tidings/contracts/ids';
import { messageRow, roomRead } from './chat.ts';
import {
  deliveryChanged,
  draftChanged,
  deliveryChanges,
  draftChanges,
  emailFiled,
  isDeliveryChange,
  isDraftChange,
  isThreadChange,
  mailboxChanges,
  threadChanged,
  threadChanges,
} from './mail.ts';
import { importChanged, importChanges, isImportChange } from './imports.ts';
import { isMessageChange, messageChanged, messageChanges } from './messages.ts';
import type { FeedRow } from './queries.ts';
import { memberRoleChanged, roomDelivered } from './rooms.ts';
import type { Row } from './rows.ts';
import { isTold } from './told.ts';

/** Beyond this all is forgotten and learned again. */
const MOST = 50_000;

export class Foresight {
  /** The last `seq` of rooms, as of the last row told. */
  readonly #seqs = new Map<RoomId, number>();
  /** Names of senders, as of the last event passed. */
  readonly #names = new Map<UserId, string>();

  /** The rows of an event that follows directly on what was told so far; null when only the table can say. Counts it as told. */
  rowsOf(event: Recorded): readonly FeedRow[] | null {
    const rows = this.#render(event);
    return rows === null
      ? null
      : rows.map(({ audience, type, payload }, index) => ({
          ...{ position: event.position, index, audience, type, payload },
          recordedAt: event.recordedAt,
          leftBefore: [],
          blockedBefore: [],
        }));
  }

  #render(event: Recorded): readonly Row[] | null {
    if (!isTold(event)) return [];
    if (event.type === 'MessageSent') return this.#renderMessage(event);
    if (event.type === 'RoomRead') return roomRead(event);
    if (event.type === 'RoomDelivered') return roomDelivered(event);
    if (event.type === 'MemberRoleChanged') return memberRoleChanged(event);
    if (isMessageChange(event)) return messageChanged(event);
    if (event.type === 'EmailFiled') return emailFiled(event);
    if (isThreadChange(event)) return threadChanged(event);
    if (isDraftChange(event)) return draftChanged(event);
    if (isDeliveryChange(event)) return deliveryChanged(event);
    if (isImportChange(event)) return importChanged(event);
    return null; // changes who belongs, or what others are shown
  }

  #renderMessage(event: Recorded<MessageSent>): readonly Row[] | null {
    const { roomId, senderId } = event.data;
    const [seq, name] = [this.#seqs.get(roomId), this.#names.get(senderId)];
    if (seq === undefined || name === undefined) return null;
    this.#seqs.set(roomId, seq + 1);
    return [messageRow(event, seq + 1, name)];
  }

  /** Takes what a row of the table shows. Rows come in the order of the feed, and every row is shown. */
  learn({ type, payload }: FeedRow): void {
    if (type !== 'ChatMessage' && type !== 'RoomChangeEvent') return;
    const { message, roomPreviewText } = JSON.parse(payload) as Extract<LiveEvent, { readonly type: 'ChatMessage' | 'RoomChangeEvent' }>;
    if (this.#seqs.size >= MOST) this.#seqs.clear();
    if (this.#names.size >= MOST) this.#names.clear();
    this.#seqs.set(message.chatRoomId, message.seq);
    if ('sender_username' in roomPreviewText) this.#names.set(message.senderId, roomPreviewText.sender_username);
  }

  /** The table passed an event that was seen: what it may have changed without a row is unlearned. */
  pass(event: Recorded): void {
    if (event.type === 'UserRegistered' || event.type === 'UserProfileChanged') this.#names.delete(event.data.userId);
    else if (isTold(event) && !HARMLESS.has(event.type)) this.forgetAll();
  }

  /** Something changed that was not seen. */
  forgetAll(): void {
    this.#seqs.clear();
    this.#names.clear();
  }
}

/** Change neither names nor counts, or the counts by rows that show them. All others, those yet to come among them, may change anything. */
const HARMLESS: ReadonlySet<Recorded['type']> = new Set([
  'MessageSent',
  ...messageChanges,
  'RoomRenamed',
  'RoomImageChanged',
  'MemberRoleChanged',
  'RoomRead',
  'RoomDelivered',
  'EmailFiled',
  ...threadChanges,
  ...draftChanges,
  ...importChanges,
  ...deliveryChanges,
  'RoomCreated',
  'RoomJoined',
  'RoomLeft',
  'RoomClosed',
  'FriendshipRequested',
  'FriendshipAccepted',
  'FriendshipEnded',
  'UserBlocked',
  'UserUnblocked',
  'MailboxMemberSet',
  'MailboxMemberRemoved',
  ...mailboxChanges,
]);
