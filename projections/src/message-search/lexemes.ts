/**
 * Documents and questions in Postgres' own text form. Words consist of letters, digits, marks, `_` and emoji (words.ts), so they need no
 * escaping between quotes. Beside its words a document names its room and its sender, which makes an index of words serve
 * "in this room" and "from her" too; a leading colon keeps these apart from every word and from every beginning of one.
 */
import type { RoomId, UserId } from '@tidings/contracts/ids';
import type { SearchQuery, SearchTerm } from '@tidings/contracts/ports/message-search';
import { wordsOf } from './words.ts';

/** Postgres keeps no position beyond this one, and none above it apart from another. */
const LAST_POSITION = 16_383;

/** A `tsvector`. */
export const documentOf = (text: string, room: RoomId, sender: UserId): string => {
  const places = new Map<string, number[]>();
  let place = 0;
  for (const { word } of wordsOf(text)) {
    place = Math.min(place + 1, LAST_POSITION);
    const known = places.get(word);
    if (known === undefined) places.set(word, [place]);
    else known.push(place);
  }
  const words = [...places].map(([word, at]) => `'${word}':${at.join(',')}`);
  return [roomLexeme(room), senderLexeme(sender), ...words].join(' ');
};

/** A `tsquery`. */
export const questionOf = ({ all, none }: SearchQuery, within: { readonly room: RoomId | null; readonly from: UserId | null }): string =>
  [
    ...all.map(termOf),
    ...none.map((term) => `!${termOf(term)}`),
    ...(within.from === null ? [] : [senderLexeme(within.from)]),
    ...(within.room === null ? [] : [roomLexeme(within.room)]),
  ].join('&');

const termOf = ({ words, prefix }: SearchTerm): string =>
  `(${words.map((word, at) => `'${word}'${prefix && at === words.length - 1 ? ':*' : ''}`).join('<->')})`;

const roomLexeme = (room: RoomId): string => `':r${room.replaceAll('-', '')}'`;
const senderLexeme = (sender: UserId): string => `':u${sender.replaceAll('-', '')}'`;
