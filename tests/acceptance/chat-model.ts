/** What chat comes to, by the plainest reading of the log there is: no tables, no pages, nothing shared with projections or deciders. */
import { type EventLog, type LoggedEvent, START } from '@tidings/contracts/ports/event-log';

export interface RoomModel {
  readonly id: string;
  readonly type: 'Single' | 'Group';
  /** In order; their `seq` is their place, from 1. */
  readonly entries: EntryModel[];
  /** Who is in it, with how many entries there were as they came. */
  readonly members: Map<string, number>;
  /** Who ever was in it. */
  readonly ever: Set<string>;
  /** Up to which entry people have read; also people who left. */
  readonly read: Map<string, number>;
  /** `who seq` of each mark, with those who were in the room as it was made. */
  readonly marks: Map<string, Set<string>>;
}

/** What an entry said first, or from an edit on. */
export interface WordingModel {
  /** Those in the room as it was written, without those who blocked its author. */
  readonly readers: ReadonlySet<string>;
}

export interface EntryModel {
  /** Null for who came and left. */
  readonly messageId: string | null;
  readonly senderId: string;
  /** Those who were in the room as it happened (who came or left is told otherwise). */
  readonly told: ReadonlySet<string>;
}

/** Fields of the events that count here; each event has its own of them. */
interface Fields {
  readonly roomId: string;
  readonly userId: string;
  readonly senderId: string;
  readonly messageId: string;
  readonly roomType: 'Single' | 'Group';
  readonly members: readonly string[];
  readonly upToSeq: number;
  readonly by: string;
  readonly to: string;
}

export class ChatModel {
  readonly rooms = new Map<string, RoomModel>();
  /** Its last member left. */
  readonly closed = new Map<string, RoomModel>();
  readonly friends = new Map<string, Set<string>>();
  /** Those who asked each user and wait for an answer. */
  readonly requests = new Map<string, Set<string>>();
  /** `who whom` of all requests and acceptances there ever were. */
  readonly asked = new Set<string>();
  readonly accepted = new Set<string>();
  /** Whom each user blocks now. */
  readonly blocks = new Map<string, Set<string>>();
  /** What each message said, in order. */
  readonly wordings = new Map<string, WordingModel[]>();
  events = 0;

  readonly #takes: Readonly<Record<string, (fields: Fields) => void>> = {
    RoomCreated: ({ roomId, roomType, members }) => {
      const joined = new Map(members.map((member) => [member, 0]));
      const nothing = { entries: [], read: new Map(), marks: new Map() };
      this.rooms.set(roomId, { id: roomId, type: roomType, members: joined, ever: new Set(members), ...nothing });
    },
    RoomJoined: ({ roomId, userId }) => {
      const room = this.rooms.get(roomId);
      this.#enter(room, userId, null);
      room?.members.set(userId, room.entries.length);
      room?.ever.add(userId);
    },
    RoomLeft: ({ roomId, userId }) => {
      const room = this.rooms.get(roomId);
      room?.members.delete(userId);
      this.#enter(room, userId, null);
    },
    RoomClosed: ({ roomId }) => {
      const room = this.rooms.get(roomId);
      if (room !== undefined) this.closed.set(roomId, room);
      this.rooms.delete(roomId);
    },
    MessageSent: ({ roomId, senderId, messageId }) => {
      const room = this.rooms.get(roomId);
      this.#enter(room, senderId, messageId);
      room?.read.set(senderId, room.entries.length);
      this.#write(room, senderId, messageId);
    },
    MessageEdited: ({ roomId, senderId, messageId }) => this.#write(this.rooms.get(roomId), senderId, messageId),
    RoomRead: ({ roomId, userId, upToSeq }) => {
      const room = this.rooms.get(roomId);
      room?.read.set(userId, Math.max(upToSeq, room.read.get(userId) ?? 0));
      for (const member of room?.members.keys() ?? []) of(room?.marks ?? new Map(), `${userId} ${upToSeq}`).add(member);
    },
    FriendshipRequested: ({ by, to }) => {
      this.asked.add(`${by} ${to}`);
      of(this.requests, to).add(by);
    },
    FriendshipAccepted: ({ by, to }) => {
      this.accepted.add(`${by} ${to}`);
      this.#part(by, to);
      of(this.friends, by).add(to);
      of(this.friends, to).add(by);
    },
    FriendshipRejected: ({ by, to }) => this.#part(by, to),
    FriendshipEnded: ({ by, to }) => this.#part(by, to),
    UserBlocked: ({ by, to }) => {
      this.#part(by, to);
      of(this.blocks, by).add(to);
    },
    UserUnblocked: ({ by, to }) => void of(this.blocks, by).delete(to),
  };

  static async read(log: EventLog): Promise<ChatModel> {
    const model = new ChatModel();
    for (let after = START, atHead = false; !atHead;) {
      const page = await log.readAll(0, after, 1_000);
      for (const event of page.events) model.take(event);
      ({ next: after, atHead } = page);
    }
    return model;
  }

  take({ type, data }: LoggedEvent): void {
    this.events += 1;
    this.#takes[type]?.(data as unknown as Fields); // each handler takes the fields that its event has
  }

  /** In private rooms, coming and going is no entry. */
  #enter(room: RoomModel | undefined, senderId: string, messageId: string | null): void {
    if (room === undefined || (messageId === null && room.type === 'Single')) return;
    room.entries.push({ messageId, senderId, told: new Set(room.members.keys()) });
  }

  #write(room: RoomModel | undefined, senderId: string, messageId: string): void {
    const readers = [...(room?.members.keys() ?? [])].filter((member) => this.blocks.get(member)?.has(senderId) !== true);
    this.wordings.set(messageId, [...(this.wordings.get(messageId) ?? []), { readers: new Set(readers) }]);
  }

  #part(a: string, b: string): void {
    for (const all of [this.friends, this.requests]) {
      of(all, a).delete(b);
      of(all, b).delete(a);
    }
  }
}

/** The set under a name, made when there is none. */
const of = (all: Map<string, Set<string>>, user: string): Set<string> => {
  const found = all.get(user) ?? new Set<string>();
  all.set(user, found);
  return found;
};
