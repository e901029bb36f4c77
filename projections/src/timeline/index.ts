/**
 * The entries of every room in order. Written once per entry by one insert per page; the room's count and the facts that room changes
 * show are kept beside them. Answers "what was said" and "may you see it" from one schema.
 */
import type { Recorded } from '@tidings/contracts/events/index';
import type { UserId } from '@tidings/contracts/ids';
import type { Projection, ProjectionTx } from '@tidings/contracts/projection';
import {
  counterTable,
  countedEvents,
  loadCounters,
  loadMembers,
  loadNames,
  memberTable,
  messageEntry,
  namingEvents,
  nameTable,
  roomChangeEntry,
  segmentsOf,
  type Counted,
  type Entry,
  type Members,
  type Names,
} from '../chat-view/index.ts';
import { amendedIndexes, amendedTables, amendingEvents, Amendments, dropAmended, ENTRY_BY_MESSAGE, settleAmended } from './amended.ts';
import { eraseFrom } from './erasure.ts';
import { Mentions, mentionTable } from './mentions.ts';

export * from './queries.ts';

/** `body` is `json`, not `jsonb`: the text as rendered, so that every reader gets the same bytes. */
const tables = (schema: string): string => `
  ${counterTable(schema)}
  ${memberTable(schema)}
  ${nameTable(schema)}
  create table ${schema}.entry (
    room_id uuid not null,
    seq bigint not null,
    message_id uuid not null,
    sender_id uuid not null,
    created_at timestamptz not null,
    msg_type text not null,
    erased boolean not null,
    body json not null,
    mentions json not null default '[]',
    thread_id uuid,
    primary key (room_id, seq)
  );
  ${amendedTables(schema)}
  ${mentionTable(schema)}`;

/** By message id: paging and quoting. By time: `?timestamp=`. By thread: its replies. */
const indexes = (schema: string): string => `
  create unique index ${ENTRY_BY_MESSAGE} on ${schema}.entry (message_id);
  create index on ${schema}.entry (room_id, created_at desc);
  create index on ${schema}.entry (thread_id, seq) where thread_id is not null;
  ${amendedIndexes(schema)}
  ${settleAmended(schema)}`;

const apply = async (page: readonly Recorded[], tx: ProjectionTx): Promise<void> => {
  for (const { events, erased } of segmentsOf(page)) {
    await applySegment(events, tx);
    if (erased !== null) await eraseFrom(tx, erased);
  }
};

const applySegment = async (page: readonly Recorded[], tx: ProjectionTx): Promise<void> => {
  const counters = await loadCounters(page, tx);
  const members = await loadMembers(page, tx);
  const names = await loadNames(usersShown(page), tx);
  const entries: Entry[] = [];
  const amendments = new Amendments();
  const mentions = new Mentions();
  for (const event of page) {
    names.apply(event);
    const counted = counters.count(event);
    const entry = entryOf(event, counted, members, names);
    members.apply(event, counted);
    amendments.take(event, counters);
    mentions.take(event, counted, counters);
    if (entry !== null) entries.push(entry);
  }
  await insert(entries, tx);
  await amendments.save(tx);
  await mentions.save(counters.closed, tx);
  await counters.save(tx);
  await members.save(tx);
  await names.save(tx);
  // Last, so that entries of this very page go with their room.
  if (counters.closed.length === 0) return;
  await tx.query(`delete from ${tx.schema}.entry where room_id = any($1::uuid[])`, [counters.closed]);
  await dropAmended(counters.closed, tx);
};

export const timeline: Projection = {
  name: 'timeline',
  version: 6,
  handles: [...countedEvents, ...namingEvents, ...amendingEvents, 'SubjectErased'],
  tables,
  indexes,
  apply,
};

const entryOf = (event: Recorded, counted: Counted | null, members: Members, names: Names): Entry | null => {
  if (counted === null || !counted.entry) return null;
  if (event.type === 'MessageSent') return messageEntry(event, counted.seq);
  if (event.type !== 'RoomJoined' && event.type !== 'RoomLeft') return null;
  const { roomId, userId } = event.data;
  return roomChangeEntry(event, counted.seq, {
    displayName: names.of(userId),
    joinedAt: members.find(roomId, userId)?.joinedAt ?? event.recordedAt,
  });
};

const usersShown = (page: readonly Recorded[]): ReadonlySet<UserId> => {
  const users = new Set<UserId>();
  for (const event of page) if (event.type === 'RoomJoined' || event.type === 'RoomLeft') users.add(event.data.userId);
  return users;
};

/** A third less work on both sides than `unnest` of eight escaped arrays; what a replay of millions spends its time on. */
const insert = async (entries: readonly Entry[], tx: ProjectionTx): Promise<void> => {
  if (entries.length === 0) return;
  const isPlain = entries.every(({ mentions, threadId }) => mentions.length === 0 && threadId === null);
  const columns = 'room_id, seq, message_id, sender_id, created_at, msg_type, erased, body';
  const values = `unnest($1::uuid[]), unnest($2::bigint[]), unnest($3::uuid[]), unnest($4::uuid[]), unnest($5::timestamptz[]),
       unnest($6::text[]), unnest($7::boolean[]), json_array_elements($8::json)`;
  await tx.query(
    `insert into ${tx.schema}.entry (${isPlain ? columns : `${columns}, mentions, thread_id`})
     select * from rows from (${isPlain ? values : `${values}, json_array_elements($9::json), unnest($10::uuid[])`})`,
    [
      plainArray(entries, (entry) => entry.roomId),
      plainArray(entries, (entry) => entry.seq),
      plainArray(entries, (entry) => entry.messageId),
      plainArray(entries, (entry) => entry.senderId),
      plainArray(entries, (entry) => entry.createdAt),
      plainArray(entries, (entry) => entry.msgType),
      plainArray(entries, (entry) => entry.erased),
      `[${entries.map((entry) => JSON.stringify(entry.msgBody)).join(',')}]`,
      ...(isPlain
        ? []
        : [
            `[${entries.map((entry) => JSON.stringify(entry.mentions)).join(',')}]`,
            plainArray(entries, (entry) => entry.threadId ?? 'null'),
          ]),
    ],
  );
};

/** An array literal of values that need no quoting: ids, numbers, times, words of ours. Never for text from outside. */
const plainArray = (entries: readonly Entry[], value: (entry: Entry) => string | number | boolean): string =>
  `{${entries.map(value).join(',')}}`;
