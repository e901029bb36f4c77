/** `MessageSearch` on an index of words beside Postgres, which says what rooms the searcher is in and from where on they may read them. */
import { MessageId, RoomId } from '@tidings/contracts/ids';
import type { MessageHit, MessageQuestion, MessageSearch } from '@tidings/contracts/ports/message-search';
import type { WordHit, WordIndex } from '@tidings/contracts/ports/word-index';
import { rows } from '@tidings/contracts/sql-rows';
import * as t from 'io-ts';
import { sql } from 'slonik';
import { tableIn } from '../chat-view/tables.ts';
import { indexOf, inIndex } from '../search-words/index-page.ts';
import { wordsQuery } from './lexemes.ts';
import type { ReadModels } from './queries.ts';
import { messagePlace, wordPlace } from './words-index.ts';

/** So much is asked for at a time where what was found may not be seen: somebody who left a room and came back. */
const STEP = 1_000;

export const indexedMessageSearch = ({ read, liveSchema }: ReadModels, index: WordIndex, step = STEP): MessageSearch => ({
  find: async (question) => {
    const schema = liveSchema('message-search');
    const rooms = new Map((await read.any(roomsOf(schema, question))).map(({ roomId, visibleAfter }) => [roomId, visibleAfter]));
    if (rooms.size === 0) return [];
    const { query, from, notFrom, before, limit } = question;
    const ask = (after: MessageQuestion['after'], most: number): Promise<readonly WordHit[]> =>
      inIndex(read, schema, [], () =>
        index.find(indexOf(schema), {
          query: wordsQuery(query),
          within: [[...rooms.keys()], ...(from === null ? [] : [[from]])],
          without: notFrom,
          from: null,
          until: before,
          after: after === null ? null : wordPlace(after),
          limit: most,
          judge: [],
        }),
      );
    const hits: MessageHit[] = [];
    for (let { after } = question, most = limit; ; most = Math.max(step, limit)) {
      const found = (await ask(after, most)).map(hitOf);
      hits.push(...found.filter(({ roomId, seq }) => seq > (rooms.get(roomId) ?? Number.POSITIVE_INFINITY)));
      if (hits.length >= limit || found.length < most) return hits.slice(0, limit);
      after = found.at(-1) ?? null;
    }
  },
});

const hitOf = (hit: WordHit): MessageHit => {
  if (!MessageId.is(hit.id)) throw new Error(`the search index gave a message "${hit.id}"`);
  return { ...messagePlace(hit), messageId: hit.id };
};

const roomRows = rows(t.readonly(t.type({ roomId: RoomId, visibleAfter: t.number })));

/** Index member (user_id). */
const roomsOf = (schema: string, { searcher, room }: MessageQuestion) => sql.type(roomRows)`
  select m.room_id as "roomId", m.visible_after as "visibleAfter" from ${tableIn(schema, 'member')} m
  where m.user_id = ${searcher} and m.left_at is null and ${room === null ? sql.fragment`true` : sql.fragment`m.room_id = ${room}`}`;
