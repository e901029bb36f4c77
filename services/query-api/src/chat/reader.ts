/** Someone who reads a room: what of it they may see, and how they are shown it. */
import type { Message } from '@tidings/contracts/http/chat-objects';
import type { MessageId, RoomId, UserId } from '@tidings/contracts/ids';
import { type Entry, messageView, withoutBlocked } from '@tidings/projections/chat-view/index';
import { blockedBy } from '@tidings/projections/chat-view/reading';
import { entriesById, viewer } from '@tidings/projections/timeline/index';
import { ApiError } from '../../../http-kit/src/errors.ts';
import type { Platform } from '../../../platform/src/platform.ts';

export const MESSAGE_READS = ['timeline', 'relationships'];

export interface Reader {
  /** They see the entries behind this one. */
  readonly visibleAfter: number;
  /** An entry as they are shown it. */
  readonly shown: (entry: Entry) => Message;
}

/** @throws ApiError 403 for those who are not in the room, or for none */
export const readerOf = async (platform: Platform, roomId: RoomId, user: UserId): Promise<Reader> => {
  const [seen, blocked] = await Promise.all([
    platform.read.maybeOne(viewer(platform.liveSchema('timeline'), roomId, user)),
    blockedBy(platform, user),
  ]);
  if (seen === null) throw new ApiError('INSUFFICIENT_PERMISSIONS', 'You are not a member of this room.');
  const isGroup = seen.roomType === 'Group';
  return {
    visibleAfter: seen.visibleAfter,
    shown: (entry) => (isGroup ? withoutBlocked(messageView(entry), blocked) : messageView(entry)),
  };
};

/** @throws ApiError 404 for an entry that is not in the room, or that the reader cannot see */
export const entryFor = async (platform: Platform, { visibleAfter }: Reader, roomId: RoomId, id: MessageId): Promise<Entry> => {
  const [entry] = await platform.read.any(entriesById(platform.liveSchema('timeline'), [id]));
  if (entry === undefined || entry.roomId !== roomId || entry.seq <= visibleAfter) {
    throw new ApiError('CONTENT_NOT_FOUND', 'There is no such message in this room.');
  }
  return entry;
};
