/**
 * The words of messages, where each stands, and who may see it, for search. Holds no text: what is found is shown by the timeline, so an edited,
 * deleted or erased message can never be read here.
 */
import type { MessageBody, MessageEdited, MessageSent } from '@tidings/contracts/events/message';
import type { Recorded } from '@tidings/contracts/events/index';
import type { MsgBody } from '@tidings/contracts/http/chat-objects';
import type { MessageId, RoomId, UserId } from '@tidings/contracts/ids';
import type { Projection, ProjectionTx } from '@tidings/contracts/projection';
import { isShredded } from '@tidings/contracts/sealed';
import type { Timestamp } from '@tidings/contracts/time';
import { counterTable, countedEvents, loadCounters, loadMembers, memberTable, type Counted } from '../chat-view/index.ts';
import { documentOf } from './lexemes.ts';

export * from './grammar.ts';
export * from './queries.ts';
export * from './snippet.ts';

/** The keys are what `apply` finds rows by and what a search walks along: a room newest first. */
const tables = (schema: string): string => `
  ${counterTable(schema)}
  ${memberTable(schema)}
  create table ${schema}.message (
    room_id uuid not null,
    created_at timestamptz not null,
    seq bigint not null,
    message_id uuid not null unique,
    sender_id uuid not null,
    words tsvector not null,
    primary key (room_id, created_at, seq)
  );`;

/**
 * A person's rooms, all messages newest first, and the words. Every search reads what the words' index has not sorted in yet, so that is kept short: a
 * page or two of live messages.
 */
const indexes = (schema: string): string => `
  create index on ${schema}.member (user_id) include (room_id) where left_at is null;
  create index on ${schema}.message (created_at, room_id, seq);
  create index on ${schema}.message using gin (words) with (gin_pending_list_limit = 512);`;

const apply = async (page: readonly Recorded[], tx: ProjectionTx): Promise<void> => {
  const counters = await loadCounters(page, tx);
  const members = await loadMembers(page, tx);
  const changes = new Changes();
  for (const event of page) {
    const counted = counters.count(event);
    members.apply(event, counted);
    changes.take(event, counted);
  }
  await changes.save(tx);
  await counters.save(tx);
  await members.save(tx);
  // Last, so that messages of this very page go with their room.
  if (counters.closed.length > 0) await tx.query(`delete from ${tx.schema}.message where room_id = any($1::uuid[])`, [counters.closed]);
};

export const messageSearch: Projection = {
  name: 'message-search',
  version: 1,
  unhurried: true,
  handles: [...countedEvents, 'MessageEdited', 'MessageDeleted', 'SubjectErased'],
  tables,
  indexes,
  apply,
};

/** A reply's quote is another message, which is found by itself. */
const searchedText = (body: MessageBody): string => (body.type === 'Media' ? (body.altText ?? '') : body.text);

/** The same, of a message as it is shown. */
export const foundText = (body: MsgBody): string => {
  if ('text' in body) return body.text;
  if ('replyText' in body) return body.replyText;
  return 'mediaUrl' in body ? (body.altText ?? '') : '';
};

interface SearchedMessage {
  readonly roomId: RoomId;
  readonly createdAt: Timestamp;
  readonly seq: number;
  readonly messageId: MessageId;
  readonly senderId: UserId;
  readonly words: string;
}

/** What a page does to messages, one change for each. */
class Changes {
  readonly #sent = new Map<MessageId, SearchedMessage>();
  readonly #edited = new Map<MessageId, { readonly senderId: UserId; readonly words: string }>();
  readonly #deleted = new Set<MessageId>();
  readonly #erased = new Set<UserId>();

  /** Takes the next event and what `RoomCounters.count` said of it. */
  take(event: Recorded, counted: Counted | null): void {
    if (event.type === 'MessageSent') this.#send(event, counted);
    else if (event.type === 'MessageEdited') this.#edit(event);
    else if (event.type === 'MessageDeleted') this.#delete(event.data.messageId);
    else if (event.type === 'SubjectErased') this.#erase(event.data.userId);
  }

  #send({ data, recordedAt }: Recorded<MessageSent>, counted: Counted | null): void {
    if (counted === null || isShredded(data.body)) return;
    const { roomId, messageId, senderId, body } = data;
    const words = documentOf(searchedText(body), roomId, senderId);
    this.#sent.set(messageId, { roomId, createdAt: recordedAt, seq: counted.seq, messageId, senderId, words });
  }

  #edit({ data: { roomId, messageId, senderId, body } }: Recorded<MessageEdited>): void {
    if (isShredded(body)) return;
    const words = documentOf(searchedText(body), roomId, senderId);
    const sent = this.#sent.get(messageId);
    if (sent === undefined) this.#edited.set(messageId, { senderId, words });
    else this.#sent.set(messageId, { ...sent, words });
  }

  #delete(id: MessageId): void {
    if (this.#sent.delete(id)) return;
    this.#edited.delete(id);
    this.#deleted.add(id);
  }

  /** What they send after it (there should be nothing) stands; what a page before had of them goes first, see `save`. */
  #erase(user: UserId): void {
    for (const [id, { senderId }] of this.#sent) if (senderId === user) this.#sent.delete(id);
    for (const [id, { senderId }] of this.#edited) if (senderId === user) this.#edited.delete(id);
    this.#erased.add(user);
  }

  async save(tx: ProjectionTx): Promise<void> {
    const table = `${tx.schema}.message`;
    if (this.#erased.size > 0) await tx.query(`delete from ${table} where sender_id = any($1::uuid[])`, [[...this.#erased]]);
    if (this.#deleted.size > 0) await tx.query(`delete from ${table} where message_id = any($1::uuid[])`, [[...this.#deleted]]);
    const edited = [...this.#edited];
    if (edited.length > 0) {
      await tx.query(
        `update ${table} m set words = page.words::tsvector
         from unnest($1::uuid[], $2::text[]) as page (message_id, words) where m.message_id = page.message_id`,
        [edited.map(([id]) => id), edited.map(([, { words }]) => words)],
      );
    }
    const sent = [...this.#sent.values()];
    if (sent.length > 0) {
      await tx.query(
        // Lists joined by newlines, of which no document has any: cheaper at both ends than arrays of text to escape.
        `insert into ${table} (room_id, created_at, seq, message_id, sender_id, words)
         select room_id, created_at, seq, message_id, sender_id, words::tsvector from rows from (
           unnest($1::uuid[]), unnest($2::timestamptz[]), unnest($3::bigint[]), unnest($4::uuid[]), unnest($5::uuid[]),
           string_to_table($6, E'\\n')
         ) page (room_id, created_at, seq, message_id, sender_id, words)`,
        [
          sent.map((message) => message.roomId),
          sent.map((message) => message.createdAt),
          sent.map((message) => message.seq),
          sent.map((message) => message.messageId),
          sent.map((message) => message.senderId),
          sent.map((message) => message.words).join('\n'),
        ],
      );
    }
  }
}
