/**
 * Messages and questions as words of an index; Postgres and an engine beside it take the same ones. For an index that knows nothing else of a message its
 * room and its sender are words too, which makes it serve "in this room" and "from her"; a leading colon keeps these apart from every word and from every
 * beginning of one.
 */
import type { RoomId, UserId } from '@tidings/contracts/ids';
import type { SearchQuery, SearchTerm } from '@tidings/contracts/ports/message-search';
import type { SingleWord, WordQuery, Words } from '@tidings/contracts/ports/word-index';
import { GatheredWords } from '../search-words/gathered-words.ts';
import { wordsOf } from './words.ts';

export const messageWords = (text: string): Words => {
  const gathered = new GatheredWords();
  for (const [at, { word }] of wordsOf(text).entries()) gathered.add(word, at + 1);
  return gathered.words;
};

export const placeWords = (room: RoomId, sender: UserId): Words => new Map([roomWord(room), senderWord(sender)].map((word) => [word, []]));

/** What is asked of words alone. */
export const wordsQuery = ({ all, none }: SearchQuery): WordQuery => ({
  kind: 'all',
  of: [...all.map(termOf), ...none.map((term): WordQuery => ({ kind: 'not', query: termOf(term) }))],
});

/** The same, and of where it is and from whom. */
export const placedQuery = (query: SearchQuery, within: { readonly room: RoomId | null; readonly from: UserId | null }): WordQuery => ({
  kind: 'all',
  of: [
    wordsQuery(query),
    ...(within.from === null ? [] : [{ kind: 'word' as const, word: senderWord(within.from) }]),
    ...(within.room === null ? [] : [{ kind: 'word' as const, word: roomWord(within.room) }]),
  ],
});

const termOf = ({ words, prefix }: SearchTerm): WordQuery => {
  const parts = words.map((word, at): SingleWord => ({ kind: prefix && at === words.length - 1 ? 'beginning' : 'word', word }));
  const [only, ...more] = parts;
  return only !== undefined && more.length === 0 ? only : { kind: 'run', of: parts };
};

const roomWord = (room: RoomId): string => `:r${room.replaceAll('-', '')}`;
const senderWord = (sender: UserId): string => `:u${sender.replaceAll('-', '')}`;
