/**
 * What became of messages after they were sent, beside the entries: those stay written once, and a page of plain messages costs nothing more.
 * Whoever reads an entry reads both.
 */
import type { Recorded } from '@tidings/contracts/events/index';
import type { ReactionAdded, ReactionRemoved } from '@tidings/contracts/events/reaction';
import type { MessageMailStatus, MsgBody } from '@tidings/contracts/http/chat-objects';
import type { MessageId, RoomId, UserId } from '@tidings/contracts/ids';
import type { Position } from '@tidings/contracts/ports/event-log';
import type { ProjectionTx } from '@tidings/contracts/projection';
import type { Timestamp } from '@tidings/contracts/time';
import { type MailsByUser, NO_BODY, shownBody, type RoomCounters } from '../chat-view/index.ts';

/** `body` and `mentions` of an edit stand for those of the entry; both go with a deletion. `reactions` is what a message shows of them, `mails` how it reaches members by mail. */
export const amendedTables = (schema: string): string => `
  create table ${schema}.amended (
    message_id uuid primary key,
    room_id uuid not null,
    body json,
    mentions json,
    edited_at timestamptz,
    deleted boolean not null default false,
    reactions json,
    reply_count int not null default 0,
    last_reply_at timestamptz,
    pinned_at timestamptz,
    mails jsonb
  );
  create index on ${schema}.amended (room_id);
  create table ${schema}.reaction (
    message_id uuid not null,
    emoji text collate "C" not null,
    user_id uuid not null,
    room_id uuid not null,
    position text collate "C" not null,
    primary key (message_id, emoji, user_id)
  );
  create index on ${schema}.reaction (room_id);`;

export const amendedIndexes = (schema: string): string => `
  create index on ${schema}.amended (room_id, pinned_at desc) where pinned_at is not null;`;

/** The unique index of `entry` by message id. */
export const ENTRY_BY_MESSAGE = 'entry_message_id_idx';

/** What an entry keeps of a message that was deleted. */
const emptied = `body = '${JSON.stringify(NO_BODY)}', mentions = '[]', msg_type = 'Text'`;

/** What it keeps of one that was rewritten: the present wording stands beside it. */
const outworded = `body = '${JSON.stringify(NO_BODY)}', mentions = '[]'`;

/** What a thread shows on its first message, of those roots that `roots` selects: replies that were deleted do not count. */
const recount = (schema: string, roots: string): string => `
  update ${schema}.amended a set (reply_count, last_reply_at) = (
    select count(*), max(e.created_at) from ${schema}.entry e left join ${schema}.amended reply using (message_id)
    where e.thread_id = a.message_id and reply.deleted is not true
  ) where a.message_id in (${roots})`;

/** At the end of a replay: finding each as it comes needs the index by id, which is not there yet. */
export const settleAmended = (schema: string): string => `
  update ${schema}.entry e set ${emptied} from ${schema}.amended a where a.deleted and e.message_id = a.message_id;
  update ${schema}.entry e set ${outworded} from ${schema}.amended a where a.edited_at is not null and not a.deleted and e.message_id = a.message_id;
  ${recount(schema, `select e.thread_id from ${schema}.entry e join ${schema}.amended reply using (message_id) where e.thread_id is not null and reply.deleted`)};`;

export const amendingEvents = [
  'MessageEdited',
  'MessageDeleted',
  'ReactionAdded',
  'ReactionRemoved',
  'MessagePinned',
  'MessageUnpinned',
  'MailingPlanned',
  'MessageMailed',
  'MessageNotMailed',
  'MessageMailStatusChanged',
] as const;

type Amending = Extract<Recorded, { readonly type: (typeof amendingEvents)[number] | 'MessageSent' }>;
const types: ReadonlySet<string> = new Set([...amendingEvents, 'MessageSent']);
const isAmending = (event: Recorded): event is Amending => types.has(event.type);

/** Without the index a replay is under way, at whose end `settleAmended` sees to them all. Postgres asks before it looks at any entry. */
const isIndexed = ({ schema }: ProjectionTx): string => `to_regclass('${schema}.${ENTRY_BY_MESSAGE}') is not null`;

/** As many are named beside the count of an emoji. */
export const NAMED_REACTORS = 20;

interface Edit {
  readonly roomId: RoomId;
  readonly body: MsgBody | null;
  readonly mentions: readonly UserId[];
  readonly at: Timestamp;
}
interface Replies {
  readonly roomId: RoomId;
  readonly count: number;
  readonly lastAt: Timestamp;
}
interface ReactionState {
  readonly roomId: RoomId;
  readonly messageId: MessageId;
  readonly emoji: string;
  readonly userId: UserId;
  /** Where it was added; null when it was taken away. */
  readonly position: Position | null;
}

/** What a page does to messages, folded to one change of a kind for each. */
export class Amendments {
  readonly #edits = new Map<MessageId, Edit>();
  readonly #deleted = new Map<MessageId, RoomId>();
  readonly #replies = new Map<MessageId, Replies>();
  readonly #pins = new Map<MessageId, { readonly roomId: RoomId; readonly at: Timestamp | null }>();
  readonly #reactions = new Map<string, ReactionState>();
  readonly #mails = new Map<MessageId, { readonly roomId: RoomId; readonly byUser: MailsByUser }>();

  /** Takes the next event. What comes to a closed room is dropped. */
  take(event: Recorded, rooms: RoomCounters): void {
    if (!isAmending(event) || !rooms.isOpen(event.data.roomId)) return;
    const { roomId, messageId } = event.data;
    switch (event.type) {
      case 'MessageSent':
        if (event.data.threadId !== null) this.#reply(event.data.threadId, roomId, event.recordedAt);
        break;
      case 'MessageEdited': {
        const { msgBody, erased } = shownBody(event.data.body);
        this.#edits.set(messageId, { roomId, body: erased ? null : msgBody, mentions: event.data.mentions, at: event.recordedAt });
        break;
      }
      case 'MessageDeleted':
        this.#deleted.set(messageId, roomId);
        break;
      case 'MessagePinned':
      case 'MessageUnpinned':
        this.#pins.set(messageId, { roomId, at: event.type === 'MessagePinned' ? event.recordedAt : null });
        break;
      case 'ReactionAdded':
      case 'ReactionRemoved':
        this.#react(event);
        break;
      case 'MailingPlanned':
        for (const { userId } of event.data.recipients) this.#mail(event, userId, 'waiting');
        break;
      case 'MessageMailed':
        this.#mail(event, event.data.userId, 'queued');
        break;
      case 'MessageNotMailed':
        this.#mail(event, event.data.userId, 'not-mailed');
        break;
      case 'MessageMailStatusChanged':
        this.#mail(event, event.data.userId, event.data.status);
        break;
    }
  }

  #mail({ data: { messageId, roomId }, recordedAt: at }: Amending, userId: UserId, status: MessageMailStatus): void {
    const byUser = this.#mails.get(messageId)?.byUser;
    this.#mails.set(messageId, { roomId, byUser: { ...byUser, [userId]: { status, at } } });
  }

  #reply(root: MessageId, roomId: RoomId, at: Timestamp): void {
    this.#replies.set(root, { roomId, count: (this.#replies.get(root)?.count ?? 0) + 1, lastAt: at });
  }

  #react({ type, data, position }: Recorded<ReactionAdded | ReactionRemoved>): void {
    const key = `${data.messageId} ${data.userId} ${data.emoji}`;
    this.#reactions.set(key, { ...data, position: type === 'ReactionAdded' ? position : null });
  }

  async save(tx: ProjectionTx): Promise<void> {
    await this.#saveEdits(tx);
    await this.#saveDeletions(tx);
    await this.#saveReplies(tx);
    await this.#recountReplies(tx);
    await this.#savePins(tx);
    await this.#saveReactions(tx);
    await this.#saveMails(tx);
  }

  async #saveEdits(tx: ProjectionTx): Promise<void> {
    const edits = [...this.#edits];
    if (edits.length === 0) return;
    await tx.query(
      `insert into ${tx.schema}.amended (message_id, room_id, body, mentions, edited_at)
       select message_id, room_id, body::json, mentions::json, at
       from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::timestamptz[]) page (message_id, room_id, body, mentions, at)
       on conflict (message_id) do update set body = excluded.body, mentions = excluded.mentions, edited_at = excluded.edited_at`,
      [
        edits.map(([id]) => id),
        edits.map(([, { roomId }]) => roomId),
        edits.map(([, { body }]) => (body === null ? null : JSON.stringify(body))),
        edits.map(([, { mentions }]) => JSON.stringify(mentions)),
        edits.map(([, { at }]) => at),
      ],
    );
    await tx.query(
      `update ${tx.schema}.entry e set ${outworded} from unnest($1::uuid[]) page (message_id) where e.message_id = page.message_id and ${isIndexed(tx)}`,
      [edits.map(([id]) => id)],
    );
  }

  /** After the edits: nothing is edited that was deleted. */
  async #saveDeletions(tx: ProjectionTx): Promise<void> {
    if (this.#deleted.size === 0) return;
    await tx.query(
      `insert into ${tx.schema}.amended (message_id, room_id, deleted)
       select message_id, room_id, true from unnest($1::uuid[], $2::uuid[]) page (message_id, room_id)
       on conflict (message_id) do update set body = null, mentions = null, deleted = true`,
      [[...this.#deleted.keys()], [...this.#deleted.values()]],
    );
    await tx.query(
      `update ${tx.schema}.entry e set ${emptied} from unnest($1::uuid[]) page (message_id)
       where e.message_id = page.message_id and ${isIndexed(tx)}`,
      [[...this.#deleted.keys()]],
    );
  }

  async #saveReplies(tx: ProjectionTx): Promise<void> {
    const replies = [...this.#replies];
    if (replies.length === 0) return;
    await tx.query(
      `insert into ${tx.schema}.amended as was (message_id, room_id, reply_count, last_reply_at)
       select * from unnest($1::uuid[], $2::uuid[], $3::int[], $4::timestamptz[])
       on conflict (message_id) do update set
         reply_count = was.reply_count + excluded.reply_count, last_reply_at = excluded.last_reply_at`,
      [
        replies.map(([id]) => id),
        replies.map(([, { roomId }]) => roomId),
        replies.map(([, { count }]) => count),
        replies.map(([, { lastAt }]) => lastAt),
      ],
    );
  }

  /** Of threads in which a reply was deleted. Index (thread_id, seq). */
  async #recountReplies(tx: ProjectionTx): Promise<void> {
    if (this.#deleted.size === 0) return;
    const roots = `select e.thread_id from ${tx.schema}.entry e where e.message_id = any($1::uuid[]) and e.thread_id is not null`;
    await tx.query(`${recount(tx.schema, roots)} and ${isIndexed(tx)}`, [[...this.#deleted.keys()]]);
  }

  async #savePins(tx: ProjectionTx): Promise<void> {
    const pins = [...this.#pins];
    if (pins.length === 0) return;
    await tx.query(
      `insert into ${tx.schema}.amended (message_id, room_id, pinned_at) select * from unnest($1::uuid[], $2::uuid[], $3::timestamptz[])
       on conflict (message_id) do update set pinned_at = excluded.pinned_at`,
      [pins.map(([id]) => id), pins.map(([, { roomId }]) => roomId), pins.map(([, { at }]) => at)],
    );
  }

  /** The last news of each member stands. */
  async #saveMails(tx: ProjectionTx): Promise<void> {
    const mails = [...this.#mails];
    if (mails.length === 0) return;
    await tx.query(
      `insert into ${tx.schema}.amended as was (message_id, room_id, mails)
       select message_id, room_id, mails::jsonb from unnest($1::uuid[], $2::uuid[], $3::text[]) page (message_id, room_id, mails)
       on conflict (message_id) do update set mails = coalesce(was.mails, '{}') || excluded.mails`,
      [mails.map(([id]) => id), mails.map(([, { roomId }]) => roomId), mails.map(([, { byUser }]) => JSON.stringify(byUser))],
    );
  }

  /** First what each did, then anew what the messages show of it. */
  async #saveReactions(tx: ProjectionTx): Promise<void> {
    const states = [...this.#reactions.values()];
    if (states.length === 0) return;
    const columns = [states.map((one) => one.messageId), states.map((one) => one.emoji), states.map((one) => one.userId)];
    await tx.query(
      `delete from ${tx.schema}.reaction r using unnest($1::uuid[], $2::text[], $3::uuid[]) page (message_id, emoji, user_id)
       where r.message_id = page.message_id and r.emoji = page.emoji and r.user_id = page.user_id`,
      columns,
    );
    await tx.query(
      `insert into ${tx.schema}.reaction (message_id, emoji, user_id, room_id, position)
       select * from unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::text[]) page (message_id, emoji, user_id, room_id, position)
       where position is not null`,
      [...columns, states.map((one) => one.roomId), states.map((one) => one.position)],
    );
    const rooms = new Map(states.map(({ messageId, roomId }) => [messageId, roomId]));
    await tx.query(
      `insert into ${tx.schema}.amended (message_id, room_id, reactions)
       select page.message_id, page.room_id, (
         select json_agg(json_build_object('emoji', emoji, 'count', count, 'userIds', user_ids) order by first) from (
           select emoji, count(*), min(position) as first, (array_agg(user_id order by position))[1:${NAMED_REACTORS}] as user_ids
           from ${tx.schema}.reaction r where r.message_id = page.message_id group by emoji
         ) by_emoji
       ) from unnest($1::uuid[], $2::uuid[]) page (message_id, room_id)
       on conflict (message_id) do update set reactions = excluded.reactions`,
      [[...rooms.keys()], [...rooms.values()]],
    );
  }
}

/** With the rooms that a page closed. */
export const dropAmended = async (rooms: readonly RoomId[], tx: ProjectionTx): Promise<void> => {
  await tx.query(`delete from ${tx.schema}.amended where room_id = any($1::uuid[])`, [rooms]);
  await tx.query(`delete from ${tx.schema}.reaction where room_id = any($1::uuid[])`, [rooms]);
};
