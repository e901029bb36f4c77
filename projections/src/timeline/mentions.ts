/** Who is named where, so that unread mentions are counted and not searched for. A page that names nobody costs nothing. */
import type { Recorded } from '@tidings/contracts/events/index';
import type { MessageId, RoomId, UserId } from '@tidings/contracts/ids';
import type { ProjectionTx } from '@tidings/contracts/projection';
import type { Counted, RoomCounters } from '../chat-view/index.ts';

export const mentionTable = (schema: string): string => `
  create table ${schema}.mention (
    user_id uuid not null,
    room_id uuid not null,
    seq bigint not null,
    message_id uuid not null,
    sender_id uuid not null,
    primary key (user_id, room_id, seq)
  );
  create index on ${schema}.mention (message_id);
  create index on ${schema}.mention (room_id);`;

interface Naming {
  readonly roomId: RoomId;
  readonly messageId: MessageId;
  readonly senderId: UserId;
  readonly mentions: readonly UserId[];
}

/** What a page does to mentions: a rewritten message names whom it names now, a deleted one nobody. */
export class Mentions {
  readonly #sent: (Naming & { readonly seq: number })[] = [];
  readonly #amended = new Map<MessageId, Naming>();

  take(event: Recorded, counted: Counted | null, rooms: RoomCounters): void {
    if (event.type === 'MessageSent') {
      if (counted !== null && event.data.mentions.length > 0) this.#sent.push({ ...event.data, seq: counted.seq });
    } else if (event.type === 'MessageEdited' || event.type === 'MessageDeleted') {
      const { roomId, messageId, senderId } = event.data;
      const mentions = event.type === 'MessageEdited' ? event.data.mentions : [];
      if (rooms.isOpen(roomId)) this.#amended.set(messageId, { roomId, messageId, senderId, mentions });
    }
  }

  /** Behind the entries of the page: what was rewritten finds its place by them. */
  async save(closed: readonly RoomId[], tx: ProjectionTx): Promise<void> {
    const sent = this.#sent.flatMap(({ mentions, ...rest }) => [...new Set(mentions)].map((userId) => ({ ...rest, userId })));
    if (sent.length > 0) {
      await tx.query(
        `insert into ${tx.schema}.mention (user_id, room_id, seq, message_id, sender_id)
         select * from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::uuid[], $5::uuid[])`,
        [
          sent.map(({ userId }) => userId),
          sent.map(({ roomId }) => roomId),
          sent.map(({ seq }) => seq),
          sent.map(({ messageId }) => messageId),
          sent.map(({ senderId }) => senderId),
        ],
      );
    }
    if (this.#amended.size > 0) await this.#saveAmended(tx);
    if (closed.length > 0) await tx.query(`delete from ${tx.schema}.mention where room_id = any($1::uuid[])`, [closed]);
  }

  async #saveAmended(tx: ProjectionTx): Promise<void> {
    await tx.query(`delete from ${tx.schema}.mention where message_id = any($1::uuid[])`, [[...this.#amended.keys()]]);
    const named = [...this.#amended.values()].flatMap(({ mentions, roomId, messageId }) =>
      [...new Set(mentions)].map((userId) => ({ roomId, messageId, userId })),
    );
    if (named.length === 0) return;
    await tx.query(
      // By the room too: in a replay the entries have no index but their key yet.
      `insert into ${tx.schema}.mention (user_id, room_id, seq, message_id, sender_id)
       select page.user_id, e.room_id, e.seq, e.message_id, e.sender_id
       from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as page (room_id, message_id, user_id)
       join ${tx.schema}.entry e using (room_id, message_id)`,
      [named.map(({ roomId }) => roomId), named.map(({ messageId }) => messageId), named.map(({ userId }) => userId)],
    );
  }
}
