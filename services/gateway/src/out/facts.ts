/** What a mail about a message needs to know, read as its time comes, so that it says what is so then. */
import type { MessageBody } from '@tidings/contracts/events/message';
import { type MediaMsgBody, type MsgBody } from '@tidings/contracts/http/chat-objects';
import { mediaIdIn } from '@tidings/contracts/http/media';
import type { MessageId, RoomId, UserId } from '@tidings/contracts/ids';
import type { Position } from '@tidings/contracts/ports/event-log';
import { isShredded, reveal } from '@tidings/contracts/sealed';
import type { NotMailedBecause } from '@tidings/contracts/events/mailing';
import { type EmailAddress, normaliseAddress } from '@tidings/domain/mail/address';
import { message, messageKey } from '@tidings/domain/message/index';
import { type NoticesState, notices, noticesKey } from '@tidings/domain/notices/index';
import { readReceipt, readReceiptKey } from '@tidings/domain/read-receipt/index';
import { isBlockedBy, relationship, relationshipKey } from '@tidings/domain/relationship/index';
import { isMember, otherOf, room, roomKey, type RoomState } from '@tidings/domain/room/index';
import { user, userKey } from '@tidings/domain/user/index';
import { ERASED_NAME, shownBody, type Entry } from '@tidings/projections/chat-view/index';
import { fileShownIn } from '@tidings/projections/media/index';
import { entriesById, page } from '@tidings/projections/timeline/index';
import * as E from 'fp-ts/lib/Either.js';
import { createHash } from 'node:crypto';
import type { DueNotice } from './due.ts';
import type { OutParts } from './parts.ts';
import type { Conversation, Said, ShownFile } from './wording.ts';

/** How long the read models may take to come so far; then it is tried again a moment later. */
const FRESH_BUDGET_MS = 5_000;
/** What waited for so long, because the service was down, is news no more. */
const STALE_AFTER_MS = 7 * 86_400_000;
/** Entries to look through for what was said before: who came and went is not quoted. */
const LOOK_BACK = 5;

export interface Facts {
  readonly address: EmailAddress;
  readonly conversation: Conversation;
  readonly body: MessageBody;
  readonly entry: Entry;
  readonly said: NoticesState;
  readonly authorName: string;
}

export type Look = { readonly type: 'mail'; readonly facts: Facts } | { readonly type: 'no-mail'; readonly because: NotMailedBecause };
const no = (because: NotMailedBecause): Look => ({ type: 'no-mail', because });

/** Whether a member is to be told of a message now, and by what facts. @throws when read models are too far behind, and for outages */
export const lookAt = async (parts: OutParts, { roomId, messageId, userId, policy, dueAt }: DueNotice): Promise<Look> => {
  const { platform, openStreams } = parts;
  const { commands, now } = platform;
  const [{ state: said, position }, { state: inRoom }, { state: wishes }] = await Promise.all([
    commands.load(message, messageKey(roomId, messageId)),
    commands.load(room, roomKey(roomId)),
    commands.load(notices, noticesKey(userId)),
  ]);
  if (said.kind === 'none' || said.isDeleted || isShredded(said.current.body)) return no('deleted');
  if (!isMember(inRoom, userId)) return no('left');
  if (wishes.rooms.get(roomId) === 'never' || (wishes.standard === 'never' && !wishes.rooms.has(roomId))) return no('unwanted');
  if (now() - Date.parse(dueAt) > STALE_AFTER_MS) return no('stale');
  const { state: between } = await commands.load(relationship, relationshipKey(said.senderId, userId));
  if (isBlockedBy(between, userId)) return no('blocked');
  const address = await addressOf(parts, userId);
  if (address === null) return no('no-address');
  if (policy === 'when-away' && (await openStreams.hasOpen([userId])).has(userId)) return no('looking');
  const entry = await entryOf(parts, messageId, position);
  if (policy !== 'at-once') {
    const { state: mark } = await commands.load(readReceipt, readReceiptKey(roomId, userId));
    if ((mark.upToSeq ?? 0) >= entry.seq) return no('read');
  }
  const [conversation, authorName] = await Promise.all([conversationOf(parts, inRoom, userId), nameOf(parts, said.senderId)]);
  return { type: 'mail', facts: { address, conversation, body: said.current.body, entry, said: wishes, authorName } };
};

const addressOf = async ({ platform: { commands } }: OutParts, userId: UserId): Promise<EmailAddress | null> => {
  const { state } = await commands.load(user, userKey(userId));
  const written = state.kind === 'registered' ? reveal(state.email, null) : null;
  return written === null ? null : E.getOrElseW(() => null)(normaliseAddress(written));
};

const nameOf = async ({ platform: { commands } }: OutParts, userId: UserId): Promise<string> => {
  const { state } = await commands.load(user, userKey(userId));
  return state.kind === 'registered' ? reveal(state.profile.displayName, ERASED_NAME) : ERASED_NAME;
};

const conversationOf = async (parts: OutParts, state: RoomState, reader: UserId): Promise<Conversation> => {
  const other = otherOf(state, reader);
  if (other !== null) return { isGroup: false, name: await nameOf(parts, other) };
  return { isGroup: true, name: state.kind === 'open' ? reveal(state.name, null) : null };
};

const entryOf = async ({ platform }: OutParts, messageId: MessageId, position: Position): Promise<Entry> => {
  await platform.freshness.waitFor(position, ['timeline', 'media'], FRESH_BUDGET_MS);
  const [entry] = await platform.read.any(entriesById(platform.liveSchema('timeline'), [messageId]));
  if (entry === undefined) throw new Error(`message ${messageId} is not in the timeline yet`);
  return entry;
};

/** The message itself, with its file, small ones in the mail. */
export const messageSaid = async (parts: OutParts, { body, entry, authorName }: Facts, withFile: boolean): Promise<Said> => ({
  author: authorName,
  at: entry.createdAt,
  text: body.type === 'Media' ? '' : body.text,
  file: body.type === 'Media' ? await fileOf(parts, entry, body, withFile) : null,
});

/** What it answers, or else what was said before it, as far as its reader may see that. */
export const previousSaid = async (parts: OutParts, roomId: RoomId, reader: UserId, { body, entry }: Facts): Promise<Said | null> => {
  const { platform } = parts;
  if (body.type === 'Reply') {
    const { body: quoted, senderId, createdAt: at } = body.quoted;
    if (isShredded(quoted) || (await isHiddenFrom(parts, senderId, reader))) return null;
    return { author: await nameOf(parts, senderId), at, ...spoken(shownBody(quotedBody(quoted)).msgBody) };
  }
  const schema = platform.liveSchema('timeline');
  const before = await platform.read.any(page(schema, roomId, reader, { type: 'before', place: entry.seq }, LOOK_BACK));
  const last = before.find(({ msgType, deleted, erased }) => msgType !== 'RoomChange' && !deleted && !erased);
  if (last === undefined || (await isHiddenFrom(parts, last.senderId, reader))) return null;
  return { author: await nameOf(parts, last.senderId), at: last.createdAt, ...spoken(last.msgBody) };
};

type Quoted = Extract<MessageBody, { readonly type: 'Reply' }>['quoted']['body'];
/** A quote is one level deep: of an answer its words are left. */
const quotedBody = (quoted: Exclude<Quoted, { readonly shredded: true }>): MessageBody =>
  quoted.type === 'Reply' ? { type: 'Text', text: quoted.text } : quoted;

const isHiddenFrom = async ({ platform: { commands } }: OutParts, author: UserId, reader: UserId): Promise<boolean> =>
  author !== reader && isBlockedBy((await commands.load(relationship, relationshipKey(author, reader))).state, reader);

const spoken = (body: MsgBody): Pick<Said, 'text' | 'file'> => {
  if ('text' in body) return { text: body.text, file: null };
  if ('replyText' in body) return { text: body.replyText, file: null };
  if ('mediaUrl' in body) return { text: body.altText ?? `[${body.mediaType.toLowerCase()}]`, file: null };
  return { text: '', file: null };
};

const fileOf = async (
  { platform, links, publicUrl }: OutParts,
  { messageId, roomId }: Entry,
  { mediaUrl, mediaType, altText }: MediaMsgBody,
  withFile: boolean,
): Promise<ShownFile> => {
  const mediaId = mediaIdIn(mediaUrl);
  const called = altText ?? mediaType.toLowerCase();
  if (mediaId === null) return { name: called, size: null, attached: null, link: /^https?:\/\//i.test(mediaUrl) ? mediaUrl : null };
  const file = await platform.read.maybeOne(fileShownIn(platform.liveSchema('media'), messageId, mediaId));
  if (file === null) return { name: called, size: null, attached: null, link: null };
  const { attachmentMaxBytes, linkMs } = platform.config.gatewayOut;
  const { name, size, mimeType: type } = file;
  const shown = { name: name ?? called, size };
  if (!withFile || size > attachmentMaxBytes) {
    const link = `${publicUrl}${links.filePath({ roomId, messageId, mediaId, until: platform.now() + linkMs })}`;
    return { ...shown, attached: null, link };
  }
  const content = await platform.blobs.read(file.blobId);
  const cid = type.startsWith('image/') ? `${createHash('sha256').update(mediaId).digest('hex').slice(0, 24)}@tidings` : null;
  return { ...shown, link: null, attached: { name: shown.name, type, cid, content } };
};
