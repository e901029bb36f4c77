/** Someone who reads a room: what of it they may see, and how they are shown it. */
import type { Message } from '@tidings/contracts/http/chat-objects';
import type { MessageId, RoomId, UserId } from '@tidings/contracts/ids';
import type { Entry } from '@tidings/projections/chat-view/index';
import { blockedBy, readMessages } from '@tidings/projections/chat-view/reading';
import { entriesById, viewer } from '@tidings/projections/timeline/index';
import { ApiError } from '../../../http-kit/src/errors.ts';
import type { Platform } from '../../../platform/src/platform.ts';

export const MESSAGE_READS = ['timeline', 'relationships'];

export interface Reader {
  /** They see the entries behind this one. */
  readonly visibleAfter: number;
  /** Whose words and reactions are hidden from them in this room: those whom they block, if it is a group. */
  readonly hidden: ReadonlySet<UserId>;
}

/** @throws ApiError 403 for those who are not in the room, or for none */
export const readerOf = async (platform: Platform, roomId: RoomId, user: UserId): Promise<Reader> => {
  const [seen, blocked] = await Promise.all([
    platform.read.maybeOne(viewer(platform.liveSchema('timeline'), roomId, user)),
    blockedBy(platform, user),
  ]);
  if (seen === null) throw new ApiError('INSUFFICIENT_PERMISSIONS', 'You are not a member of this room.');
  return { visibleAfter: seen.visibleAfter, hidden: seen.roomType === 'Group' ? blocked : NOBODY };
};

const NOBODY: ReadonlySet<UserId> = new Set();

/** One entry as a reader is shown it. */
export const shownTo = async (platform: Platform, { hidden }: Reader, entry: Entry): Promise<Message> => {
  const [message] = await readMessages(platform, [entry], hidden);
  if (message === undefined) throw new Error('an entry was lost on its way to its reader');
  return message;
};

/** An entry, if it is in the room and the reader sees it. @throws ApiError 404 */
export const assertSeen = ({ visibleAfter }: Pick<Reader, 'visibleAfter'>, roomId: RoomId, entry: Entry | undefined): Entry => {
  if (entry === undefined || entry.roomId !== roomId || entry.seq <= visibleAfter) {
    throw new ApiError('CONTENT_NOT_FOUND', 'There is no such message in this room.');
  }
  return entry;
};

/** @throws ApiError 404 for an entry that is not in the room, or that the reader cannot see */
export const entryFor = async (platform: Platform, reader: Pick<Reader, 'visibleAfter'>, roomId: RoomId, id: MessageId): Promise<Entry> => {
  const [entry] = await platform.read.any(entriesById(platform.liveSchema('timeline'), [id]));
  return assertSeen(reader, roomId, entry);
};
