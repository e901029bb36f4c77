/**
 * Where in the log facts about each user stand, so that an export reads those and nothing else, however long the log is. Ids and places only;
 * erasing someone leaves them, as it leaves them in the log.
 */
import type { EventType, Recorded, TidingsEvent } from '@tidings/contracts/events/index';
import type { UserId } from '@tidings/contracts/ids';
import type { Projection } from '@tidings/contracts/projection';

export * from './queries.ts';

type DataOf<T extends EventType> = Extract<TidingsEvent, { readonly type: T }>['data'];
type People<T extends EventType> = {
  readonly [F in keyof DataOf<T>]: DataOf<T>[F] extends UserId | readonly UserId[] ? F : never;
}[keyof DataOf<T>];

/** Whose facts these are: the fields that name them. Whom a message mentions is its sender's fact, and who was reported has no part in it. */
const whose = {
  UserRegistered: ['userId'],
  UserProfileChanged: ['userId'],
  UserIdentityNoted: ['userId'],
  FriendshipRequested: ['by', 'to'],
  FriendshipAccepted: ['by', 'to'],
  FriendshipRejected: ['by', 'to'],
  FriendshipEnded: ['by', 'to'],
  UserBlocked: ['by', 'to'],
  UserUnblocked: ['by', 'to'],
  RoomCreated: ['members'],
  RoomJoined: ['userId', 'invitedBy'],
  RoomLeft: ['userId', 'by'],
  RoomRenamed: ['by'],
  RoomImageChanged: ['by'],
  MemberRoleChanged: ['userId', 'by'],
  MessagePinned: ['by'],
  MessageUnpinned: ['by'],
  MessageSent: ['senderId'],
  MessageEdited: ['senderId'],
  MessageDeleted: ['senderId', 'deletedBy'],
  ReactionAdded: ['userId'],
  ReactionRemoved: ['userId'],
  RoomRead: ['userId'],
  RoomDelivered: ['userId'],
  MessageReported: ['reportedBy'],
  NotificationSent: ['toUser'],
  MediaUploaded: ['uploadedBy'],
  PushSubscribed: ['userId'],
  PushUnsubscribed: ['userId'],
  MailPolicySet: ['userId'],
  DigestTimesSet: ['userId'],
  MailboxMemberSet: ['userId'],
  MailboxMemberRemoved: ['userId'],
  ReplyAddressIssued: ['userId'],
  ReplyAddressRevoked: ['userId'],
  MailMapped: ['userId'],
  GatewayMailReceived: ['senderId'],
  GatewayMailSettled: ['senderId'],
  HeldMailConfirmed: ['senderId', 'by'],
  HeldMailRefused: ['senderId', 'by'],
  MessageMailed: ['userId'],
  MessageNotMailed: ['userId'],
  MessageMailStatusChanged: ['userId'],
} as const satisfies { readonly [T in EventType]?: readonly People<T>[] };

export type FactType = keyof typeof whose;
export const FACT_TYPES = Object.keys(whose) as readonly FactType[]; // of a record with these very keys

/** Whose fact an event is; nobody's when exports do not tell of it. */
export const usersOf = (event: TidingsEvent): ReadonlySet<UserId> => {
  const users = new Set<UserId>();
  // Which fields of which type hold users is checked where they are named.
  const data = event.data as Readonly<Record<string, UserId | readonly UserId[]>>;
  for (const field of isFact(event.type) ? whose[event.type] : []) for (const user of [data[field] ?? []].flat()) users.add(user);
  return users;
};
const isFact = (type: EventType): type is FactType => type in whose;

const tables = (schema: string): string => `
  create table ${schema}.fact (
    user_id uuid not null,
    shard int not null,
    position text collate "C" not null
  );`;

const indexes = (schema: string): string => `create index on ${schema}.fact (user_id, shard, position);`;

const rowsOf = (event: Recorded) => [...usersOf(event)].map((userId) => ({ userId, shard: event.shard, position: event.position }));

export const userFacts: Projection = {
  name: 'user-facts',
  version: 3,
  unhurried: true,
  handles: FACT_TYPES,
  tables,
  indexes,
  apply: async (page, tx) => {
    const facts = page.flatMap(rowsOf);
    if (facts.length === 0) return;
    await tx.query(`insert into ${tx.schema}.fact (user_id, shard, position) select * from unnest($1::uuid[], $2::int[], $3::text[])`, [
      facts.map(({ userId }) => userId),
      facts.map(({ shard }) => shard),
      facts.map(({ position }) => position),
    ]);
  },
};
