/** The plain way to search: look at every message. What the search on Postgres must agree with. */
import type { MessageHit, MessageQuestion, SearchTerm } from '@tidings/contracts/ports/message-search';
import type { RoomId, UserId } from '@tidings/contracts/ids';
import { wordsOf } from '../words.ts';

export interface PlainMessage extends MessageHit {
  readonly senderId: UserId;
  readonly text: string;
}

/** `visibleAfter` has the rooms that the searcher is in, and from behind which entry on they may read them. */
export const plainSearch = (
  messages: readonly PlainMessage[],
  visibleAfter: ReadonlyMap<RoomId, number>,
  { query, room, from, notFrom, before, after, limit }: MessageQuestion,
): readonly MessageHit[] => {
  return messages
    .filter(({ roomId, seq }) => seq > (visibleAfter.get(roomId) ?? Number.POSITIVE_INFINITY))
    .filter(({ roomId }) => room === null || roomId === room)
    .filter(({ senderId }) => (from === null || senderId === from) && !notFrom.includes(senderId))
    .filter(({ createdAt }) => before === null || createdAt < before)
    .filter(({ text }) => query.all.every((term) => contains(text, term)) && !query.none.some((term) => contains(text, term)))
    .toSorted(byPlace)
    .filter((message) => after === null || byPlace(message, { ...message, ...after }) > 0)
    .slice(0, limit)
    .map(({ createdAt, roomId, seq, messageId }) => ({ createdAt, roomId, seq, messageId }));
};

const contains = (text: string, { words, prefix }: SearchTerm): boolean => {
  const found = wordsOf(text).map(({ word }) => word);
  return found.some((_, at) =>
    words.every((word, offset) =>
      prefix && offset === words.length - 1 ? found[at + offset]?.startsWith(word) === true : found[at + offset] === word,
    ),
  );
};

/** Newest first; ids and times sort as text. */
const byPlace = (a: MessageHit, b: MessageHit): number => compare(b.createdAt, a.createdAt) || compare(b.roomId, a.roomId) || b.seq - a.seq;
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
