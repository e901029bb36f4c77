/**
 * What was told of a message before its author rewrote it, or before it was deleted, as it may be told from then on: to whoever resumes or asks by
 * REST. The place and its id stay; nothing of the earlier wording does (docs/decisions/025).
 */
import type { LiveEvent } from '@tidings/contracts/http/live';
import type { MessageId, UserId } from '@tidings/contracts/ids';
import type { Position } from '@tidings/contracts/ports/event-log';
import type { ProjectionTx } from '@tidings/contracts/projection';
import { NO_BODY, previewOf } from '../chat-view/index.ts';
import type { FeedRow } from './queries.ts';
import type { PlacedRow } from './store.ts';

type Wording = Extract<LiveEvent, { readonly type: 'ChatMessage' | 'MessageEdited' }>;
type ChatMessage = Extract<LiveEvent, { readonly type: 'ChatMessage' }>;
export type Amendment = Extract<LiveEvent, { readonly type: 'MessageEdited' | 'MessageDeleted' }>;

interface Told {
  readonly type: string;
  readonly payload: string;
}

/** The change that a row tells; null when it is another's. */
export const amendmentIn = ({ type, payload }: Told): Amendment | null =>
  type === 'MessageEdited' || type === 'MessageDeleted' ? (JSON.parse(payload) as Amendment) : null; // as `tell` wrote it

/** Whether a row tells how a message reads. */
export const tellsWords = ({ type }: Pick<Told, 'type'>): boolean => type === 'ChatMessage' || type === 'MessageEdited';

/** A row's JSON after a later change of its message; the very same string when it is of another message. */
export const amended = (payload: string, by: Amendment): string => {
  if (!payload.includes(by.messageId)) return payload;
  const told = JSON.parse(payload) as Wording; // as `tell` wrote it
  if (told.type === 'ChatMessage') {
    return told.message.messageId === by.messageId
      ? JSON.stringify(by.type === 'MessageEdited' ? edited(told, by) : deleted(told))
      : payload;
  }
  if (told.messageId !== by.messageId) return payload;
  const { msgBody, mentions } = by.type === 'MessageEdited' ? by : { msgBody: NO_BODY, mentions: [] };
  return JSON.stringify({ ...told, msgBody, mentions } satisfies LiveEvent);
};

/** Whether a row tells of a message that was deleted since, or whose author was erased. */
export const isEmptied = ({ type, payload }: Told): boolean => {
  if (type !== 'ChatMessage') return false;
  const { message } = JSON.parse(payload) as ChatMessage; // as `tell` wrote it
  return message.deleted === true || message.erased === true;
};

/** Whether someone who was to be told of a row left, or blocked its author, before its text got its present wording. */
export const isKeptFrom = ({ leftBefore, blockedBefore }: Pick<FeedRow, 'leftBefore' | 'blockedBefore'>, user: UserId): boolean =>
  leftBefore.includes(user) || blockedBefore.includes(user);

/** For someone from whom the present wording is kept: that something was said, and not what. */
export const withoutWords = (payload: string): string => {
  const told = JSON.parse(payload) as Wording; // as `tell` wrote it
  if (told.type === 'MessageEdited') return JSON.stringify({ ...told, msgBody: NO_BODY, mentions: [] } satisfies LiveEvent);
  const { mentions: _mentions, ...message } = told.message;
  return JSON.stringify(inPlaceOf(told, { ...message, msgBody: NO_BODY, msgType: 'Text', hidden: true }));
};

/** Fields stand in the order of `messageView`. Of what was erased nothing comes back. */
const edited = (
  told: ChatMessage,
  { msgBody, mentions, editedAt }: Extract<Amendment, { readonly type: 'MessageEdited' }>,
): ChatMessage => {
  const { mentions: _mentions, editedAt: _editedAt, threadId, ...place } = told.message;
  if (place.erased === true) return told;
  return inPlaceOf(told, {
    ...place,
    msgBody,
    ...(mentions.length === 0 ? {} : { mentions }),
    ...(threadId ? { threadId } : {}),
    editedAt,
  });
};

const deleted = (told: ChatMessage): ChatMessage => {
  const { mentions: _mentions, editedAt: _editedAt, erased, ...place } = told.message;
  return inPlaceOf(told, { ...place, msgBody: NO_BODY, msgType: 'Text', deleted: true, ...(erased === true ? { erased } : {}) });
};

const inPlaceOf = (told: ChatMessage, message: ChatMessage['message']): ChatMessage => {
  const { roomPreviewText: preview } = told;
  return { ...told, message, roomPreviewText: previewOf(message, 'sender_username' in preview ? preview.sender_username : '') };
};

interface Placed {
  readonly position: Position;
  readonly payload: string;
  readonly messageId: MessageId | null;
}
interface Change {
  readonly position: Position;
  readonly by: Amendment;
}

/** The rows of a page and what its changes make of rows that were told before, in the tables too. Pages without changes cost nothing. */
export const amendEarlier = async (rows: readonly PlacedRow[], tx: ProjectionTx): Promise<readonly PlacedRow[]> => {
  const changes = changesIn(rows);
  if (changes.size === 0) return rows;
  const found = await tx.query<Placed & { index: number }>(
    `select position, index, payload, message_id as "messageId" from ${tx.schema}.entry where message_id = any($1::uuid[])`,
    [[...changes.keys()]],
  );
  const rewritten = found.map((row) => after(row, changes));
  if (rewritten.length > 0) {
    await tx.query(
      `update ${tx.schema}.entry e set payload = page.payload, amended_at = page.amended_at
       from unnest($1::text[], $2::int[], $3::text[], $4::text[]) page (position, index, payload, amended_at)
       where e.position = page.position and e.index = page.index`,
      [
        rewritten.map((row) => row.position),
        rewritten.map((row) => row.index),
        rewritten.map((row) => row.payload),
        rewritten.map((row) => row.amendedAt),
      ],
    );
  }
  return rows.map((row) => after(row, changes));
};

const changesIn = (rows: readonly PlacedRow[]): ReadonlyMap<MessageId, readonly Change[]> => {
  const changes = rows.flatMap((row) => {
    const by = amendmentIn(row);
    return by === null ? [] : [{ position: row.position, by }];
  });
  return Map.groupBy(changes, ({ by }) => by.messageId);
};

/** `amendedAt` is where its text got its present wording; null when it has its first one, or none. */
const after = <R extends Placed>(
  row: R,
  changes: ReadonlyMap<MessageId, readonly Change[]>,
): R & { readonly amendedAt: Position | null } => {
  const later = (row.messageId === null ? [] : (changes.get(row.messageId) ?? [])).filter(({ position }) => position > row.position);
  const last = later.at(-1);
  return {
    ...row,
    payload: later.reduce((payload, { by }) => amended(payload, by), row.payload),
    amendedAt: last?.by.type === 'MessageEdited' ? last.position : null,
  };
};
