/**
 * Branded identifiers. A brand costs nothing at run time and keeps a `RoomId` from being passed where a `UserId` is meant.
 * Ids arrive from outside as UUIDs in any case and are kept lower-case (RFC 9562 §4).
 */
import * as E from 'fp-ts/lib/Either.js';
import * as t from 'io-ts';
import { nameUuid } from '#name-uuid';
import { validate } from 'uuid';
import { described } from './json-schema.ts';

declare const brand: unique symbol;
/** A string of kind `K`: assignable to `string`, never from it. */
export type Id<K extends string> = string & { readonly [brand]: K };

export type UserId = Id<'UserId'>;
export type RoomId = Id<'RoomId'>;
export type MessageId = Id<'MessageId'>;
export type MailboxId = Id<'MailboxId'>;
export type ThreadId = Id<'ThreadId'>;
export type EmailId = Id<'EmailId'>;
export type LabelId = Id<'LabelId'>;
export type DraftId = Id<'DraftId'>;
export type TemplateId = Id<'TemplateId'>;
export type ContactId = Id<'ContactId'>;
export type CommentId = Id<'CommentId'>;
export type MediaId = Id<'MediaId'>;
export type NotificationId = Id<'NotificationId'>;
export type ReportId = Id<'ReportId'>;
export type SubscriptionId = Id<'SubscriptionId'>;
export type WebhookId = Id<'WebhookId'>;
/** One try at sending a mail to some of its recipients. */
export type AttemptId = Id<'AttemptId'>;
export type ImportId = Id<'ImportId'>;
/** What goes on by chat and by mail alike: the id of a chat room or of a mail thread. */
export type ConversationId = Id<'ConversationId'>;
/** One mail that came in by the gateway. */
export type GatewayMailId = Id<'GatewayMailId'>;
export type EventId = Id<'EventId'>;
export type CommandId = Id<'CommandId'>;
/** Lower-case hex sha256 of the bytes (RFC 8621 calls it blobId). */
export type BlobId = Id<'BlobId'>;
/** `category-key` or `category-key.sub`; everything between the first `-` and the first `.` decides the shard. */
export type StreamId = Id<'StreamId'>;
/** Whose key seals a personal field: a user, mailbox, webhook or import id. */
export type SubjectId = Id<'SubjectId'>;

const uuidOf = <K extends string>(name: K): t.Type<Id<K>, string> =>
  described(
    new t.Type<Id<K>, string>(
      name,
      (u): u is Id<K> => typeof u === 'string' && validate(u),
      (u, c) => (typeof u === 'string' && validate(u) ? t.success(u.toLowerCase() as Id<K>) : t.failure(u, c, 'must be a UUID')),
      t.identity,
    ),
    { type: 'string', format: 'uuid' },
  );

export const UserId = uuidOf('UserId');
export const RoomId = uuidOf('RoomId');
export const MessageId = uuidOf('MessageId');
export const MailboxId = uuidOf('MailboxId');
export const ThreadId = uuidOf('ThreadId');
export const EmailId = uuidOf('EmailId');
export const LabelId = uuidOf('LabelId');
export const DraftId = uuidOf('DraftId');
export const TemplateId = uuidOf('TemplateId');
export const ContactId = uuidOf('ContactId');
export const CommentId = uuidOf('CommentId');
export const MediaId = uuidOf('MediaId');
export const NotificationId = uuidOf('NotificationId');
export const ReportId = uuidOf('ReportId');
export const SubscriptionId = uuidOf('SubscriptionId');
export const WebhookId = uuidOf('WebhookId');
export const AttemptId = uuidOf('AttemptId');
export const ImportId = uuidOf('ImportId');
export const ConversationId = uuidOf('ConversationId');
export const GatewayMailId = uuidOf('GatewayMailId');
export const EventId = uuidOf('EventId');
export const CommandId = uuidOf('CommandId');

const SHA256_HEX = /^[0-9a-f]{64}$/;
export const BlobId = described(
  new t.Type<BlobId, string>(
    'BlobId',
    (u): u is BlobId => typeof u === 'string' && SHA256_HEX.test(u),
    (u, c) => (typeof u === 'string' && SHA256_HEX.test(u) ? t.success(u as BlobId) : t.failure(u, c, 'must be 64 lower-case hex digits')),
    t.identity,
  ),
  { type: 'string', pattern: SHA256_HEX.source },
);

export const streamId = (category: string, key: string): StreamId => `${category}-${key}` as StreamId;
export const subjectId = (id: UserId | MailboxId | WebhookId | ImportId): SubjectId => id as string as SubjectId;
export const conversationOf = (id: RoomId | ThreadId): ConversationId => id as string as ConversationId;
export const categoryOf = (stream: StreamId): string => stream.slice(0, stream.indexOf('-'));

/** Parses one id or gives the reason; for ids that come from paths and queries. */
export const parseId = <K extends string>(codec: t.Type<Id<K>, string>, input: unknown): E.Either<string, Id<K>> =>
  E.mapLeft(() => 'must be a UUID')(codec.decode(input));

/** A deterministic id, a UUID of version 5 (RFC 9562 §5.5): the same parts in the same order always give the same id. */
export const derivedId = <I extends string>(kind: string, ...parts: readonly (string | number)[]): I =>
  nameUuid([kind, ...parts].map((part) => `${String(part).length}:${part}`).join('|')) as I;

/** Event ids derive from the command that caused them, so a retried append is recognised (architecture §2). */
export const eventIdOf = (command: CommandId, index: number): EventId => derivedId<EventId>('event', command, index);
