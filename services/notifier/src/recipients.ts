/** Who should be told by a push: whoever an event is for, did not do it themselves, has not blocked who did, and has no live stream open. */
import type { UserId } from '@tidings/contracts/ids';
import type { OpenStreams } from '@tidings/contracts/ports/open-streams';
import type { Position } from '@tidings/contracts/ports/event-log';
import { membersAt, type FeedRow } from '@tidings/projections/feed/queries';
import { blocksAmong } from '@tidings/projections/relationships/index';
import type { Platform } from '../../platform/src/platform.ts';

/** What is worth a push (chat-contract §2). */
const PUSHED: ReadonlySet<string> = new Set(['ChatMessage', 'FriendRequestReceived', 'NewRoom']);
export const isPushed = (row: FeedRow): boolean => PUSHED.has(row.type);

export interface Recipients {
  readonly row: FeedRow;
  /** At least one, in order. */
  readonly users: readonly UserId[];
}

export interface RecipientsParts extends Pick<Platform, 'read' | 'liveSchema' | 'log' | 'events'> {
  readonly openStreams: OpenStreams;
}

/** @param after where the log was before these rows, which are `isPushed` and in order */
export const recipientsOf = async (
  parts: RecipientsParts,
  shard: number,
  after: Position,
  rows: readonly FeedRow[],
): Promise<readonly Recipients[]> => {
  if (rows.length === 0) return [];
  const [members, roomMakers] = await Promise.all([membersOf(parts, rows), makersOf(parts, shard, after, rows)]);
  const meant = rows.map((row) => {
    const by = row.type === 'NewRoom' ? (roomMakers.get(row.position) ?? null) : doerOf(row);
    return { row, by, users: (members.get(row) ?? []).filter((user) => user !== by) };
  });
  const open = await parts.openStreams.hasOpen([...new Set(meant.flatMap(({ users }) => users))]);
  const away = meant.map((one) => ({ ...one, users: one.users.filter((user) => !open.has(user)) }));
  const blocks = await blocksOf(parts, away);
  return away
    .map(({ row, by, users }) => ({ row, users: users.filter((user) => !blocks.has(`${user} ${by ?? ''}`)) }))
    .filter(({ users }) => users.length > 0);
};

const membersOf = async (
  { read, liveSchema }: RecipientsParts,
  rows: readonly FeedRow[],
): Promise<ReadonlyMap<FeedRow, readonly UserId[]>> => {
  const shared = rows.filter((row) => !row.audience.startsWith('user:'));
  const found = shared.length === 0 ? [] : await read.any(membersAt(liveSchema('feed'), shared));
  const byAsk = Map.groupBy(found, ({ ask }) => ask);
  return new Map<FeedRow, readonly UserId[]>([
    ...rows.filter((row) => row.audience.startsWith('user:')).map((row) => [row, [row.audience.slice('user:'.length) as UserId]] as const), // as the feed names audiences
    ...shared.map((row, ask) => [row, (byAsk.get(ask) ?? []).map(({ userId }) => userId)] as const),
  ]);
};

/** Whoever wrote or asked, as the event itself says. */
const doerOf = ({ payload }: FeedRow): UserId | null => {
  // The feed rendered it by `LiveEvent`; only these two fields are looked at.
  const event = JSON.parse(payload) as { readonly message?: { readonly senderId?: UserId }; readonly fromUser?: { readonly id: UserId } };
  return event.message?.senderId ?? event.fromUser?.id ?? null;
};

const ROOM_EVENTS = ['RoomCreated', 'RoomJoined'] as const;
const LOG_PAGE = 500;

/** A `NewRoom` does not say who made the room or invited its recipient; the log does. */
const makersOf = async (
  { log, events }: RecipientsParts,
  shard: number,
  after: Position,
  rows: readonly FeedRow[],
): Promise<ReadonlyMap<Position, UserId>> => {
  const makers = new Map<Position, UserId>();
  const last = rows.findLast((row) => row.type === 'NewRoom')?.position;
  for (let from = after; last !== undefined && from < last;) {
    const page = await log.readAll(shard, from, LOG_PAGE, { types: ROOM_EVENTS });
    for (const event of (await events.open(page.events)).events) {
      if (event.type === 'RoomCreated') makers.set(event.position, event.data.createdBy);
      if (event.type === 'RoomJoined') makers.set(event.position, event.data.invitedBy);
    }
    if (page.next <= from) break;
    from = page.next;
  }
  return makers;
};

const blocksOf = async (
  { read, liveSchema }: RecipientsParts,
  meant: readonly { readonly by: UserId | null; readonly users: readonly UserId[] }[],
): Promise<ReadonlySet<string>> => {
  const pairs = meant.flatMap(({ by, users }) => (by === null ? [] : users.map((user) => ({ user, other: by }))));
  if (pairs.length === 0) return new Set();
  const found = await read.any(blocksAmong(liveSchema('relationships'), pairs));
  return new Set(found.map(({ user, other }) => `${user} ${other}`));
};
