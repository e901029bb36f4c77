/** What nodes whisper to each other on the signals' topic `ephemeral`: nobody keeps it, and what is lost is soon said again. */
import { isRight } from 'fp-ts/lib/Either.js';
import * as t from 'io-ts';
import { RoomId, UserId } from './ids.ts';

/** Someone types in a room, or stopped; not for these, who are blocked or block. */
const Typing = t.readonly(
  t.type({ type: t.literal('typing'), roomId: RoomId, userId: UserId, typing: t.boolean, hideFrom: t.readonlyArray(UserId) }),
);
/** These came or went: look who is there. */
const Presence = t.readonly(t.type({ type: t.literal('presence'), userIds: t.readonlyArray(UserId) }));

const Whisper = t.union([Typing, Presence]);
export type Whisper = t.TypeOf<typeof Whisper>;

/** A signal's payload may have 4,000 bytes. */
const MOST_CHARACTERS = 3_800;

/** So many users fit into one whisper. */
export const MOST_WHISPERED = 90;

/** Null for what is too long to be said. */
export const formatWhisper = (whisper: Whisper): string | null => {
  const payload = JSON.stringify(whisper);
  return payload.length > MOST_CHARACTERS ? null : payload;
};

/** Null for what another version said. */
export const parseWhisper = (payload: string): Whisper | null => {
  try {
    const decoded = Whisper.decode(JSON.parse(payload));
    return isRight(decoded) ? decoded.right : null;
  } catch {
    return null;
  }
};
