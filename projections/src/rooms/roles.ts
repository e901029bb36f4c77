/** Who has a rank in which group. Everyone else who is in a room is a member of it, so a page without ranks costs nothing. */
import type { Recorded } from '@tidings/contracts/events/index';
import type { RoomRole } from '@tidings/contracts/events/room';
import type { RoomId, UserId } from '@tidings/contracts/ids';
import type { ProjectionTx } from '@tidings/contracts/projection';

export const roleTable = (schema: string): string => `
  create table ${schema}.role (
    room_id uuid not null,
    user_id uuid not null,
    role text not null,
    primary key (room_id, user_id)
  );`;

interface Rank {
  readonly roomId: RoomId;
  readonly userId: UserId;
  readonly role: RoomRole;
}

/** What a page does to ranks: for each person in each room, the last word counts. */
export class Roles {
  readonly #changed = new Map<string, Rank>();

  /** Takes the next event about a room that stands. */
  take(event: Recorded): void {
    if (event.type === 'RoomCreated') {
      const { roomId, roomType, createdBy, members } = event.data;
      if (roomType === 'Group' && members.includes(createdBy)) this.#set({ roomId, userId: createdBy, role: 'owner' });
    } else if (event.type === 'MemberRoleChanged') {
      this.#set(event.data);
    } else if (event.type === 'RoomLeft' && event.data.roomType === 'Group') {
      this.#set({ ...event.data, role: 'member' });
    }
  }

  #set({ roomId, userId, role }: Rank): void {
    this.#changed.set(`${roomId} ${userId}`, { roomId, userId, role });
  }

  async save(closed: readonly RoomId[], tx: ProjectionTx): Promise<void> {
    const changed = [...this.#changed.values()];
    const given = changed.filter(({ role }) => role !== 'member');
    const taken = changed.filter(({ role }) => role === 'member');
    if (given.length > 0) {
      await tx.query(
        `insert into ${tx.schema}.role (room_id, user_id, role) select * from unnest($1::uuid[], $2::uuid[], $3::text[])
         on conflict (room_id, user_id) do update set role = excluded.role`,
        [given.map(({ roomId }) => roomId), given.map(({ userId }) => userId), given.map(({ role }) => role)],
      );
    }
    if (taken.length > 0) {
      await tx.query(`delete from ${tx.schema}.role where (room_id, user_id) in (select * from unnest($1::uuid[], $2::uuid[]))`, [
        taken.map(({ roomId }) => roomId),
        taken.map(({ userId }) => userId),
      ]);
    }
    if (closed.length > 0) await tx.query(`delete from ${tx.schema}.role where room_id = any($1::uuid[])`, [closed]);
  }
}
