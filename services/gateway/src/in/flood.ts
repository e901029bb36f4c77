/**
 * How many mails of one author came into a conversation within an hour. Two automata that no header gives away end here; more than the limit is no person.
 * What the read model has is asked once, then it is counted along: one node works on a conversation at a time.
 */
import type { ConversationId, UserId } from '@tidings/contracts/ids';
import { timestamp } from '@tidings/contracts/time';
import { mailsWithin } from '@tidings/projections/mappings/index';
import { LRUCache } from 'lru-cache';
import type { Platform } from '../../../platform/src/platform.ts';

const HOUR_MS = 3_600_000;
/** Authors in conversations that are counted along. */
const MOST = 10_000;

export interface Author {
  readonly conversationId: ConversationId;
  readonly userId: UserId;
}

export interface Flood {
  /** Whether another mail, that came at `at` (milliseconds since the epoch), is too much. */
  is(author: Author, at: number): Promise<boolean>;
  /** One more was let in. */
  count(author: Author, at: number): void;
}

/** For as long as nobody else works on the same conversations. */
export const watchFlood = (platform: Pick<Platform, 'read' | 'liveSchema' | 'config'>): Flood => {
  const { hourlyLimit: limit } = platform.config.gateway;
  const known = new LRUCache<string, number[]>({ max: MOST });
  const nameOf = ({ conversationId, userId }: Author): string => `${conversationId} ${userId}`;

  const came = async (author: Author, since: number): Promise<readonly number[]> => {
    const counted = known.get(nameOf(author));
    if (counted !== undefined) return counted;
    const found = await platform.read.any(
      mailsWithin(platform.liveSchema('mappings'), author, { since: timestamp(Math.max(since, 0)), limit }),
    );
    const times = found.map(({ at }) => Date.parse(at)).toReversed();
    known.set(nameOf(author), times);
    return times;
  };

  return {
    is: async (author, at) => (await came(author, at - HOUR_MS)).filter((time) => time >= at - HOUR_MS).length >= limit,
    count: (author, at) => {
      const times = known.get(nameOf(author));
      times?.push(at);
      if (times !== undefined && times.length > limit) times.shift();
    },
  };
};
