/** Who is in which room, since when, and from which entry on they may read: for read models that list members or guard a timeline. */
import type { Recorded } from '@tidings/contracts/events/index';
import type { RoomId, UserId } from '@tidings/contracts/ids';
import type { ProjectionTx } from '@tidings/contracts/projection';
import type { Timestamp } from '@tidings/contracts/time';
import type { Counted } from './counters.ts';

/** `joined_seq` is the room's last `seq` as they joined; `visible_after` hides what came before, for who came back to a private room. */
export const memberTable = (schema: string): string => `
  create table ${schema}.member (
    room_id uuid not null,
    user_id uuid not null,
    joined_at timestamptz not null,
    joined_seq bigint not null,
    visible_after bigint not null,
    left_at timestamptz,
    primary key (room_id, user_id)
  );`;

export interface Member {
  readonly roomId: RoomId;
  readonly userId: UserId;
  readonly joinedAt: Timestamp;
  readonly joinedSeq: number;
  readonly visibleAfter: number;
  readonly leftAt: Timestamp | null;
}

export class Members {
  readonly #known: Map<string, Member>;
  readonly #changed = new Map<string, Member>();
  readonly #closed = new Set<RoomId>();

  constructor(known: readonly Member[]) {
    this.#known = new Map(known.map((member) => [keyOf(member.roomId, member.userId), member]));
  }

  /** Takes the next event and what `RoomCounters.count` said of it. */
  apply(event: Recorded, counted: Counted | null): void {
    if (event.type === 'RoomClosed') {
      this.#closed.add(event.data.roomId);
      return;
    }
    if (counted === null) return;
    if (event.type === 'RoomCreated') {
      const { roomId, members } = event.data;
      for (const userId of members) {
        this.#set({ roomId, userId, joinedAt: event.recordedAt, joinedSeq: 0, visibleAfter: 0, leftAt: null });
      }
    } else if (event.type === 'RoomJoined') {
      const { roomId, userId } = event.data;
      const visibleAfter = counted.roomType === 'Single' ? counted.seq : 0;
      this.#set({ roomId, userId, joinedAt: event.recordedAt, joinedSeq: counted.seq, visibleAfter, leftAt: null });
    } else if (event.type === 'RoomLeft') {
      const member = this.find(event.data.roomId, event.data.userId);
      if (member !== undefined) this.#set({ ...member, leftAt: event.recordedAt });
    }
  }

  /** Known are those whom the page's events name. */
  find(room: RoomId, user: UserId): Member | undefined {
    return this.#known.get(keyOf(room, user));
  }

  #set(member: Member): void {
    const key = keyOf(member.roomId, member.userId);
    this.#known.set(key, member);
    this.#changed.set(key, member);
  }

  async save(tx: ProjectionTx): Promise<void> {
    const changed = [...this.#changed.values()];
    if (changed.length > 0) {
      await tx.query(
        `insert into ${tx.schema}.member (room_id, user_id, joined_at, joined_seq, visible_after, left_at)
         select * from unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::bigint[], $5::bigint[], $6::timestamptz[])
         on conflict (room_id, user_id) do update set
           joined_at = excluded.joined_at, joined_seq = excluded.joined_seq,
           visible_after = excluded.visible_after, left_at = excluded.left_at`,
        [
          changed.map((member) => member.roomId),
          changed.map((member) => member.userId),
          changed.map((member) => member.joinedAt),
          changed.map((member) => member.joinedSeq),
          changed.map((member) => member.visibleAfter),
          changed.map((member) => member.leftAt),
        ],
      );
    }
    if (this.#closed.size > 0) await tx.query(`delete from ${tx.schema}.member where room_id = any($1::uuid[])`, [[...this.#closed]]);
  }
}

/** Loads those who leave in this page; whoever joins is written anew. */
export const loadMembers = async (page: readonly Recorded[], tx: ProjectionTx): Promise<Members> => {
  const leaving = page.flatMap((event) => (event.type === 'RoomLeft' ? [event.data] : []));
  if (leaving.length === 0) return new Members([]);
  const found = await tx.query<MemberRow>(
    `select room_id, user_id, joined_at, joined_seq, visible_after, left_at from ${tx.schema}.member
     where (room_id, user_id) in (select * from unnest($1::uuid[], $2::uuid[]))`,
    [leaving.map(({ roomId }) => roomId), leaving.map(({ userId }) => userId)],
  );
  return new Members(found.map(memberOf));
};

interface MemberRow {
  readonly room_id: RoomId;
  readonly user_id: UserId;
  readonly joined_at: Timestamp;
  readonly joined_seq: number;
  readonly visible_after: number;
  readonly left_at: Timestamp | null;
}
const memberOf = (row: MemberRow): Member => ({
  roomId: row.room_id,
  userId: row.user_id,
  joinedAt: row.joined_at,
  joinedSeq: row.joined_seq,
  visibleAfter: row.visible_after,
  leftAt: row.left_at,
});

const keyOf = (room: RoomId, user: UserId): string => `${room} ${user}`;
