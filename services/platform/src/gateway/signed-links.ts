/**
 * Links in mail that work without login: what they are for is in them, and a MAC that nobody else can make. Each purpose has a key of its own, so that
 * a link of one kind never passes for another.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { derivedId, type MediaId, type MessageId, type RoomId, type SubjectId, type UserId } from '@tidings/contracts/ids';
import type { SubjectKeys } from '@tidings/contracts/ports/subject-keys';
import { parse, stringify } from 'uuid';

/** Stops the mails of these rooms to a user. */
export interface Unsubscription {
  readonly userId: UserId;
  /** At least one. */
  readonly rooms: readonly RoomId[];
}

/** Opens a file of a message until then, in milliseconds since the epoch. */
export interface FileLink {
  readonly roomId: RoomId;
  readonly messageId: MessageId;
  readonly mediaId: MediaId;
  readonly until: number;
}

export interface SignedLinks {
  /** Path on our API. The same for the same. */
  readonly unsubscribePath: (what: Unsubscription) => string;
  /** Null for what we never gave out. */
  readonly unsubscription: (token: string) => Unsubscription | null;
  readonly filePath: (what: FileLink) => string;
  /** Null for what we never gave out, or what is over at `now`. */
  readonly fileLink: (token: string, now: number) => FileLink | null;
}

const ID_BYTES = 16;
const MAC_BYTES = 16;
const UNTIL_BYTES = 6;

/** Nobody's id: its key signs. All nodes have it, made once, kept like all other keys. */
const SIGNER = derivedId<SubjectId>('gateway-links');

export const openSignedLinks = async (keys: SubjectKeys): Promise<SignedLinks> => {
  const key = (await keys.obtain([SIGNER])).get(SIGNER);
  if (key == null) throw new Error('the key of links in mail was destroyed');
  const macOf = (purpose: string, payload: Uint8Array): Buffer =>
    createHmac('sha256', key).update(`${purpose}:`).update(payload).digest().subarray(0, MAC_BYTES);
  const signed = (purpose: string, payload: Uint8Array): string => Buffer.concat([payload, macOf(purpose, payload)]).toString('base64url');
  const opened = (purpose: string, token: string): Buffer | null => {
    const bytes = Buffer.from(token, 'base64url');
    if (bytes.byteLength <= MAC_BYTES || bytes.toString('base64url') !== token) return null;
    const payload = bytes.subarray(0, -MAC_BYTES);
    return timingSafeEqual(bytes.subarray(-MAC_BYTES), macOf(purpose, payload)) ? payload : null;
  };

  return {
    unsubscribePath: ({ userId, rooms }) => `/gateway/unsubscribe/${signed('unsubscribe', idsToBytes([userId, ...rooms]))}`,
    unsubscription: (token) => {
      const payload = opened('unsubscribe', token);
      if (payload === null || payload.byteLength % ID_BYTES !== 0 || payload.byteLength < 2 * ID_BYTES) return null;
      const [userId, ...rooms] = idsIn(payload);
      return { userId: userId as UserId, rooms: rooms as RoomId[] }; // as `unsubscribePath` put them together
    },
    filePath: ({ roomId, messageId, mediaId, until }) => {
      const end = Buffer.alloc(UNTIL_BYTES);
      end.writeUIntBE(until, 0, UNTIL_BYTES);
      return `/gateway/files/${signed('file', Buffer.concat([idsToBytes([roomId, messageId, mediaId]), end]))}`;
    },
    fileLink: (token, now) => {
      const payload = opened('file', token);
      if (payload === null || payload.byteLength !== 3 * ID_BYTES + UNTIL_BYTES) return null;
      const until = payload.readUIntBE(3 * ID_BYTES, UNTIL_BYTES);
      const [roomId, messageId, mediaId] = idsIn(payload.subarray(0, 3 * ID_BYTES));
      return until < now ? null : { roomId: roomId as RoomId, messageId: messageId as MessageId, mediaId: mediaId as MediaId, until }; // as above
    },
  };
};

const idsToBytes = (ids: readonly string[]): Buffer => Buffer.concat(ids.map((id) => parse(id)));
const idsIn = (bytes: Buffer): readonly string[] =>
  Array.from({ length: bytes.byteLength / ID_BYTES }, (_, at) => stringify(bytes.subarray(at * ID_BYTES, (at + 1) * ID_BYTES)));
