/** Who should be told by a push: whoever an event is for, did not do it themselves, has not blocked who did, and has no live stream open. */
import type { UserId } from '@tidings/contracts/ids';
import type { OpenStreams } from '@tidings/contracts/ports/open-streams';
import { membersAt, type FeedRow } from '@tidings/projections/feed/queries';
import { blocksAmong } from '@tidings/projections/relationships/index';
import type { Platform } from '../../platform/src/platform.ts';

/** What is worth a push (chat-contract §2). */
const PUSHED: ReadonlySet<string> = new Set(['ChatMessage', 'FriendRequestReceived', 'NewRoom']);
export const isPushed = (row: FeedRow): boolean => PUSHED.has(row.type);

export interface Recipients {
  readonly row: FeedRow;
  /** In order; here or below is at least one. */
  readonly users: readonly UserId[];
  /** Who block whom it quotes: theirs is a call of its own, without what was quoted (due.ts). */
  readonly withoutQuote: readonly UserId[];
}

export interface RecipientsParts extends Pick<Platform, 'read' | 'liveSchema'> {
  readonly openStreams: OpenStreams;
}

/** @param rows which are `isPushed` */
export const recipientsOf = async (parts: RecipientsParts, rows: readonly FeedRow[]): Promise<readonly Recipients[]> => {
  if (rows.length === 0) return [];
  const members = await membersOf(parts, rows);
  const meant = rows.map((row) => {
    const { by, quoted } = partiesOf(row);
    return { row, by, quoted, users: (members.get(row) ?? []).filter((user) => user !== by) };
  });
  const open = await parts.openStreams.hasOpen([...new Set(meant.flatMap(({ users }) => users))]);
  const away = meant.map((one) => ({ ...one, users: one.users.filter((user) => !open.has(user)) }));
  const blocks = await blocksOf(parts, away);
  return away
    .map(({ row, by, quoted, users }) => {
      const told = users.filter((user) => !isBlocked(blocks, user, by));
      return {
        row,
        users: told.filter((user) => !isBlocked(blocks, user, quoted)),
        withoutQuote: told.filter((user) => isBlocked(blocks, user, quoted)),
      };
    })
    .filter(({ users, withoutQuote }) => users.length + withoutQuote.length > 0);
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

export interface Parties {
  /** Whoever wrote, asked, invited or made the room. */
  readonly by: UserId | null;
  /** Whose words a message carries beside those of its author. */
  readonly quoted: UserId | null;
}
/** As the event itself says. */
export const partiesOf = ({ payload }: Pick<FeedRow, 'payload'>): Parties => {
  // The feed rendered it by `LiveEvent`; only these fields are looked at.
  const event = JSON.parse(payload) as {
    readonly message?: { readonly senderId?: UserId; readonly msgBody?: { readonly replySenderId?: UserId } };
    readonly fromUser?: { readonly id: UserId };
    readonly invitedBy?: UserId | null;
    readonly createdBy?: { readonly id: UserId };
  };
  return {
    by: event.message?.senderId ?? event.fromUser?.id ?? event.invitedBy ?? event.createdBy?.id ?? null,
    quoted: event.message?.msgBody?.replySenderId ?? null,
  };
};

/** Who blocks whom, for `isBlocked`. */
export type Blocks = ReadonlySet<string>;
export const blockOf = (user: UserId, other: UserId): string => `${user} ${other}`;
export const isBlocked = (blocks: Blocks, user: UserId, by: UserId | null): boolean => by !== null && blocks.has(blockOf(user, by));

/** As it stands now. */
export const blocksOf = async (
  { read, liveSchema }: Pick<Platform, 'read' | 'liveSchema'>,
  meant: readonly (Parties & { readonly users: readonly UserId[] })[],
): Promise<Blocks> => {
  const pairs = meant.flatMap(({ by, quoted, users }) =>
    [by, quoted].flatMap((other) => (other === null ? [] : users.map((user) => ({ user, other })))),
  );
  if (pairs.length === 0) return new Set();
  const found = await read.any(blocksAmong(liveSchema('relationships'), pairs));
  return new Set(found.map(({ user, other }) => blockOf(user, other)));
};
