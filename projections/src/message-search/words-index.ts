/** Where messages are in a table of Postgres, and their words in an index beside it. */
import { type MessageId, RoomId } from '@tidings/contracts/ids';
import type { ProjectionTx } from '@tidings/contracts/projection';
import type { MessagePlace } from '@tidings/contracts/ports/message-search';
import type { WordIndex, WordPlace } from '@tidings/contracts/ports/word-index';
import { FIRST_INDEXED, IndexPage, indexOf, indexTable, whatIndexLacks } from '../search-words/index-page.ts';
import type { Changes, PlacedMessage, SearchedMessage } from './changes.ts';
import type { KeptWords } from './kept-words.ts';

export const wordsInIndex = (index: WordIndex): KeptWords => {
  const made = new Set<string>();
  return {
    version: FIRST_INDEXED,
    column: '',
    tables: indexTable,
    indexes: () => '',
    save: async (changes, closed, tx, position) => {
      const gone = [...(await forget(tx, 'sender_id', changes.erased)), ...(await forget(tx, 'message_id', changes.deleted))];
      const edited = await editedMessages(changes, tx);
      await insert(changes.sent, tx);
      gone.push(...(await forget(tx, 'room_id', closed)));
      const page = new IndexPage(index, tx, made);
      const isGone = new Set(gone);
      // One change for each: two of one version would be one too many.
      for (const message of [...edited, ...changes.sent]) {
        if (isGone.has(message.messageId)) continue;
        const { messageId, roomId, senderId, createdAt, words } = message;
        await page.put(position, { id: messageId, at: createdAt, tie: tieOf(message), keys: [roomId, senderId], words });
      }
      for (const id of isGone) await page.remove(position, id);
      await page.end();
    },
    removeRetired: (schemas) => index.remove(schemas.map(indexOf)),
    whatIsMissing: (schema, db) => whatIndexLacks(index, 'message', schema, db),
  };
};

const SEQ_DIGITS = 16;
const tieOf = ({ roomId, seq }: Pick<MessagePlace, 'roomId' | 'seq'>): string => `${roomId}.${String(seq).padStart(SEQ_DIGITS, '0')}`;

export const wordPlace = (place: MessagePlace): WordPlace => ({ at: place.createdAt, tie: tieOf(place) });

/** @throws when it is no tie of ours */
export const messagePlace = ({ at, tie }: WordPlace): MessagePlace => {
  const [roomId, seq] = tie.split('.');
  if (!RoomId.is(roomId) || seq === undefined || !/^\d{16}$/.test(seq)) throw new Error(`the search index gave a place "${tie}"`);
  return { createdAt: at, roomId, seq: Number(seq) };
};

/** Gives those that were there. */
const forget = async (
  tx: ProjectionTx,
  column: 'sender_id' | 'message_id' | 'room_id',
  ids: readonly string[],
): Promise<readonly MessageId[]> => {
  if (ids.length === 0) return [];
  const gone = await tx.query<{ id: MessageId }>(
    `delete from ${tx.schema}.message where ${column} = any($1::uuid[]) returning message_id as id`,
    [ids],
  );
  return gone.map(({ id }) => id);
};

/** An entry is written whole. Unique index message (message_id). */
const editedMessages = async ({ edited }: Changes, tx: ProjectionTx): Promise<readonly SearchedMessage[]> => {
  if (edited.size === 0) return [];
  const placed = await tx.query<PlacedMessage>(
    `select room_id as "roomId", created_at as "createdAt", seq, message_id as "messageId", sender_id as "senderId"
     from ${tx.schema}.message where message_id = any($1::uuid[])`,
    [[...edited.keys()]],
  );
  return placed.flatMap((message) => {
    const words = edited.get(message.messageId)?.words;
    return words === undefined ? [] : [{ ...message, words }];
  });
};

const insert = async (sent: readonly SearchedMessage[], tx: ProjectionTx): Promise<void> => {
  if (sent.length === 0) return;
  await tx.query(
    `insert into ${tx.schema}.message (room_id, created_at, seq, message_id, sender_id)
     select * from unnest($1::uuid[], $2::timestamptz[], $3::bigint[], $4::uuid[], $5::uuid[])`,
    [
      sent.map((message) => message.roomId),
      sent.map((message) => message.createdAt),
      sent.map((message) => message.seq),
      sent.map((message) => message.messageId),
      sent.map((message) => message.senderId),
    ],
  );
};
