/** How someone stands to a room and to what was said in it, as the streams themselves say: a read model may be a moment behind. */
import type { MessageId, RoomId, UserId } from '@tidings/contracts/ids';
import { message, messageKey, type MessageState } from '@tidings/domain/message/index';
import { isBlocked, relationship, relationshipKey } from '@tidings/domain/relationship/index';
import { hasLeft, isMember, otherOf, room, roomKey, type RoomState } from '@tidings/domain/room/index';
import { user as person, userKey } from '@tidings/domain/user/index';
import { entriesById, viewer } from '@tidings/projections/timeline/index';
import type { Platform } from '../../../platform/src/platform.ts';

export interface Standing {
  readonly state: RoomState;
  readonly isMember: boolean;
  /** A block stands between the two of a private room. */
  readonly isBlocked: boolean;
  /** The other one of a private room, who left it. */
  readonly away: UserId | null;
}

export const standingIn = async (platform: Platform, roomId: RoomId, user: UserId): Promise<Standing> => {
  const { state } = await platform.commands.load(room, roomKey(roomId));
  const other = otherOf(state, user);
  if (!isMember(state, user) || other === null) return { state, isMember: isMember(state, user), isBlocked: false, away: null };
  const between = await platform.commands.load(relationship, relationshipKey(user, other));
  const isAway = hasLeft(state, other) && !(await isErased(platform, other));
  return { state, isMember: true, isBlocked: isBlocked(between.state), away: isAway ? other : null };
};

/** They come back no more. */
const isErased = async (platform: Platform, other: UserId): Promise<boolean> =>
  (await platform.commands.load(person, userKey(other))).state.kind === 'erased';

/** Those who cannot be named in a message there. Who left a private room can be, for a message brings them back. */
export const strangersTo = ({ state, away }: Standing, mentions: readonly UserId[]): readonly UserId[] =>
  mentions.filter((user) => !isMember(state, user) && user !== away);

type Sent = Extract<MessageState, { readonly kind: 'sent' }>;

/** A message of the room as far as `user`, who is in it, can see it. */
export const messageFor = async (
  platform: Platform,
  { state }: Standing,
  roomId: RoomId,
  id: MessageId,
  user: UserId,
): Promise<Sent | null> => {
  const { state: found } = await platform.commands.load(message, messageKey(roomId, id));
  if (found.kind === 'none') return null;
  return otherOf(state, user) !== null && (await isBefore(platform, roomId, id, user)) ? null : found;
};

/** Whoever came back to a private room does not see what was said before. That was long ago, so the timeline knows. */
const isBefore = async (platform: Platform, roomId: RoomId, id: MessageId, user: UserId): Promise<boolean> => {
  const schema = platform.liveSchema('timeline');
  const [seen, [entry]] = await Promise.all([
    platform.read.maybeOne(viewer(schema, roomId, user)),
    platform.read.any(entriesById(schema, [id])),
  ]);
  return seen !== null && entry !== undefined && entry.seq <= seen.visibleAfter;
};
