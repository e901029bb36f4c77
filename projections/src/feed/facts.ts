/** What rendering needs to know, held in memory for one page: loaded in one statement, changed by each event in turn, written back in one. */
import type { Recorded } from '@tidings/contracts/events/index';
import type { RoomType } from '@tidings/contracts/events/room';
import type { BlobId, RoomId, UserId } from '@tidings/contracts/ids';
import type { Position } from '@tidings/contracts/ports/event-log';
import type { ProjectionTx } from '@tidings/contracts/projection';
import { SHREDDED } from '@tidings/contracts/sealed';
import { timestamp, type Timestamp } from '@tidings/contracts/time';
import { shownName, type UserFacts } from '../chat-view/index.ts';
import { blockedBy, mailboxAudience, roomAudience, type Audience } from './rows.ts';
import type { Told } from './told.ts';

export interface RoomFact {
  readonly id: RoomId;
  readonly type: RoomType;
  readonly name: string | null;
  /** Whose name for it that is: erasing them takes it away. */
  readonly namedBy: UserId;
  readonly createdBy: UserId;
  readonly image: BlobId | null;
  readonly createdAt: Timestamp;
  /** Those it was created with; a private room's pair never changes. */
  readonly firstMembers: readonly UserId[];
  readonly lastSeq: number;
}

export interface IntervalFact {
  readonly audience: Audience;
  readonly userId: UserId;
  readonly from: Position;
  readonly to: Position | null;
  readonly joinedAt: Timestamp;
}

export interface NamingFact {
  readonly roomId: RoomId;
  readonly position: Position;
  readonly by: UserId;
}

/** A table's rows of this page: `set` marks what has to be written back. */
class Kept<K, V> {
  readonly changed = new Map<K, V>();
  readonly #all: Map<K, V>;

  constructor(rows: readonly (readonly [K, V])[]) {
    this.#all = new Map(rows);
  }
  get(key: K): V | undefined {
    return this.#all.get(key);
  }
  set(key: K, value: V): void {
    this.#all.set(key, value);
    this.changed.set(key, value);
  }
}

export class Facts {
  readonly rooms: Kept<RoomId, RoomFact>;
  readonly people: Kept<UserId, UserFacts>;
  /** By `pairOf`. */
  readonly friendships: Kept<string, boolean>;
  /** Intervals opened or closed in this page, by their key. */
  readonly intervals = new Map<string, IntervalFact>();
  /** Names that rooms were given in this page. */
  readonly namings: NamingFact[] = [];
  /** Who belongs now, of the audiences that the page's events change. */
  readonly #open = new Map<Audience, Map<UserId, IntervalFact>>();

  constructor(loaded: Loaded) {
    this.rooms = new Kept(loaded.rooms.map((room) => [room.id, { ...room, createdAt: canonical(room.createdAt) }]));
    this.people = new Kept(loaded.people.map((person) => [person.id, person]));
    this.friendships = new Kept(loaded.friendships.map(({ pair, friends }) => [pair, friends]));
    for (const interval of loaded.intervals) {
      const members = this.#open.get(interval.audience) ?? new Map<UserId, IntervalFact>();
      members.set(interval.userId, { ...interval, joinedAt: canonical(interval.joinedAt) });
      this.#open.set(interval.audience, members);
    }
  }

  /** A user as of now; one whose stream says nothing (parked, erased) still has an id and a place. */
  person(id: UserId): UserFacts {
    return (
      this.people.get(id) ?? {
        id,
        displayName: shownName(SHREDDED),
        description: null,
        profilePicture: null,
        friendsCount: 0,
        role: 'USER',
      }
    );
  }

  /** Gives a room its name, and keeps in mind whose that is. A private room has none. */
  nameRoom(room: RoomFact, position: Position): void {
    this.rooms.set(room.id, room);
    if (room.type === 'Group') this.namings.push({ roomId: room.id, position, by: room.namedBy });
  }

  member(audience: Audience, user: UserId): IntervalFact | undefined {
    return this.#open.get(audience)?.get(user);
  }

  members(audience: Audience): readonly UserId[] {
    return [...(this.#open.get(audience)?.keys() ?? [])];
  }

  /** False when they belonged already. */
  join(audience: Audience, user: UserId, event: Recorded): boolean {
    const members = this.#open.get(audience) ?? new Map<UserId, IntervalFact>();
    if (members.has(user)) return false;
    const interval: IntervalFact = { audience, userId: user, from: event.position, to: null, joinedAt: event.recordedAt };
    members.set(user, interval);
    this.#open.set(audience, members);
    this.intervals.set(keyOf(interval), interval);
    return true;
  }

  /** The interval that ended, or undefined when they did not belong. */
  leave(audience: Audience, user: UserId, event: Recorded): IntervalFact | undefined {
    const interval = this.member(audience, user);
    if (interval === undefined) return undefined;
    this.#open.get(audience)?.delete(user);
    this.intervals.set(keyOf(interval), { ...interval, to: event.position });
    return interval;
  }
}

/** One key for both directions. */
export const pairOf = (a: UserId, b: UserId): string => (a < b ? `${a}.${b}` : `${b}.${a}`);

const keyOf = (interval: IntervalFact): string => `${interval.audience} ${interval.userId} ${interval.from}`;

/** Postgres writes times inside JSON its own way. */
const canonical = (at: string): Timestamp => timestamp(Date.parse(at));

interface Loaded {
  readonly rooms: readonly RoomFact[];
  readonly people: readonly UserFacts[];
  readonly friendships: readonly { readonly pair: string; readonly friends: boolean }[];
  readonly intervals: readonly IntervalFact[];
  readonly keptSince: Timestamp | null;
}

export interface LoadedFacts {
  readonly facts: Facts;
  /** From when on entries are kept; null before the first page. */
  readonly keptSince: Timestamp | null;
}

/** Everything the page's events ask about, in one round trip. */
export const loadFacts = async (page: readonly Told[], tx: ProjectionTx): Promise<LoadedFacts> => {
  const keys = keysOf(page);
  const [loaded] = await tx.query<{ readonly facts: Loaded }>(
    `select json_build_object(
       'rooms', (
         select coalesce(json_agg(json_build_object('id', room_id, 'type', type, 'name', name, 'namedBy', named_by, 'createdBy', created_by, 'image', image,
                                                    'createdAt', created_at, 'firstMembers', first_members, 'lastSeq', last_seq)), '[]')
         from ${tx.schema}.room where room_id = any($1::uuid[])),
       'people', (
         select coalesce(json_agg(json_build_object('id', user_id, 'displayName', name, 'description', description, 'profilePicture', picture,
                                                    'friendsCount', friends, 'role', role)), '[]')
         from ${tx.schema}.person
         where user_id = any($2::uuid[] || array(select unnest(created_by || first_members) from ${tx.schema}.room where room_id = any($3::uuid[])))),
       'friendships', (
         select coalesce(json_agg(json_build_object('pair', pair, 'friends', friends)), '[]')
         from ${tx.schema}.friendship where pair = any($4::text[])),
       'intervals', (
         select coalesce(json_agg(json_build_object('audience', audience, 'userId', user_id, 'from', from_position, 'to', to_position,
                                                    'joinedAt', joined_at) order by user_id), '[]')
         from ${tx.schema}.interval where audience = any($5::text[]) and to_position is null),
       'keptSince', (select kept_since from ${tx.schema}.horizon)
     )::jsonb as facts`,
    [[...keys.rooms], [...keys.people], [...keys.rejoined], [...keys.pairs], [...keys.audiences]],
  );
  if (loaded === undefined) throw new Error('loading the facts of a page gave no row');
  const { keptSince } = loaded.facts;
  return { facts: new Facts(loaded.facts), keptSince: keptSince === null ? null : canonical(keptSince) };
};

interface Keys {
  readonly rooms: Set<RoomId>;
  readonly people: Set<UserId>;
  /** Rooms whose maker and first members have to be known by name. */
  readonly rejoined: Set<RoomId>;
  readonly pairs: Set<string>;
  readonly audiences: Set<Audience>;
}

const keysOf = (page: readonly Told[]): Keys => {
  const keys: Keys = { rooms: new Set(), people: new Set(), rejoined: new Set(), pairs: new Set(), audiences: new Set() };
  for (const event of page) {
    switch (event.type) {
      case 'UserUnblocked':
        keys.audiences.add(blockedBy(event.data.by));
        break;
      case 'UserBlocked':
        keys.audiences.add(blockedBy(event.data.by));
        addPair(event, keys);
        break;
      case 'UserRegistered':
      case 'UserProfileChanged':
        keys.people.add(event.data.userId);
        break;
      case 'FriendshipRequested':
      case 'FriendshipAccepted':
      case 'FriendshipEnded':
        addPair(event, keys);
        break;
      case 'RoomCreated':
        for (const person of [event.data.createdBy, ...event.data.members]) keys.people.add(person);
        break;
      case 'RoomJoined':
        keys.rejoined.add(event.data.roomId);
        keys.rooms.add(event.data.roomId);
        keys.people.add(event.data.userId);
        keys.audiences.add(roomAudience(event.data.roomId));
        break;
      case 'RoomLeft':
        keys.rooms.add(event.data.roomId);
        keys.people.add(event.data.userId);
        keys.audiences.add(roomAudience(event.data.roomId));
        break;
      case 'RoomClosed':
        keys.audiences.add(roomAudience(event.data.roomId));
        break;
      case 'MessageSent':
        keys.rooms.add(event.data.roomId);
        keys.people.add(event.data.senderId);
        break;
      case 'MailboxMemberSet':
      case 'MailboxMemberRemoved':
      case 'MailboxClosed':
      case 'AddressClaimed':
      case 'AddressReleased':
      case 'MailboxRenamed':
      case 'SenderBlocked':
      case 'SenderUnblocked':
      case 'MailboxQuotaSet':
        keys.audiences.add(mailboxAudience(event.data.mailboxId));
        break;
      case 'RoomRenamed':
      case 'RoomImageChanged':
        keys.rooms.add(event.data.roomId);
        break;
      case 'MemberRoleChanged':
      case 'RoomDelivered':
      case 'MessageEdited':
      case 'MessageDeleted':
      case 'ReactionAdded':
      case 'ReactionRemoved':
      case 'MessagePinned':
      case 'MessageUnpinned':
      case 'MessageMailed':
      case 'MessageNotMailed':
      case 'MessageMailStatusChanged':
      case 'SubjectErased':
      case 'RoomRead':
      case 'NotificationSent':
      case 'EmailFiled':
      case 'EmailQueued':
      case 'RecipientsDelivered':
      case 'RecipientsDeliveredInternally':
      case 'RecipientsDeferred':
      case 'RecipientsFailed':
      case 'RecipientsOutcomeUnknown':
      case 'RecipientsRetried':
      case 'RecipientsCancelled':
      case 'RecipientsDismissed':
      case 'RecipientsReported':
      case 'RecipientsComplained':
      case 'RecipientsAcknowledged':
      case 'DraftSaved':
      case 'DraftDiscarded':
      case 'DraftSubmitted':
      case 'DraftSendUndone':
      case 'DraftDispatched':
      case 'ImportProgressed':
      case 'ImportFinished':
      case 'ImportFailed':
      case 'ImportCancelled':
      case 'ThreadRead':
      case 'EmailsMoved':
      case 'ThreadStarred':
      case 'ThreadLabelled':
      case 'ThreadAssigned':
      case 'ThreadUnassigned':
      case 'CommentPosted':
      case 'CommentEdited':
      case 'CommentDeleted':
      case 'ThreadShared':
      case 'EmailKeywordsSet':
      case 'EmailsDestroyed':
      case 'EmailsSplitOff':
      case 'ThreadSplitOff':
      case 'ThreadUnshared':
        break; // say everything themselves
    }
  }
  return keys;
};

const addPair = (
  { data: { by, to } }: Extract<Told, { readonly data: { readonly by: UserId; readonly to: UserId } }>,
  keys: Keys,
): void => {
  keys.people.add(by).add(to);
  keys.pairs.add(pairOf(by, to));
};
