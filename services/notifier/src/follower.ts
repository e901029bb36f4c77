/**
 * The notifier's loop over the feed: hold the lease, read what was told, note which calls that asks for and move the checkpoint, in one
 * transaction. While nobody wants to be told of anything, it only keeps up.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { afterPosition } from '@tidings/contracts/http/live';
import type { UserId } from '@tidings/contracts/ids';
import type { Position } from '@tidings/contracts/ports/event-log';
import type { Turn } from '@tidings/infra/process-manager/process-manager';
import { addDeliveries, type NewDelivery } from '@tidings/infra/webhooks/deliveries';
import { newest, rowsAfter, type FeedRow } from '@tidings/projections/feed/queries';
import { subscriptionsOf, type SubscriptionRow } from '@tidings/projections/push-subscriptions/index';
import type { Platform } from '../../platform/src/platform.ts';
import type { Lanes } from './lanes.ts';
import { isPushed, recipientsOf, type RecipientsParts } from './recipients.ts';
import { isNobody, loadTargets, type Targets } from './targets.ts';
import { isEvent, liveCalls, pushCalls, wantsPushes } from './telling.ts';

const PAGE = 500;
/** Everything that one event gives rise to is told together; a new group of a thousand is two thousand rows. */
const LARGEST_PAGE = 16_000;
/** Between two looks: with nothing to tell, and behind a page. */
const LOOK_MS = 200;
const GATHER_MS = 50;
/** How often it keeps up while nobody wants to be told. */
const PASS_BY_MS = 1_000;

export interface FollowerParts {
  readonly platform: Pick<Platform, 'config' | 'often'> & RecipientsParts;
  /** Makes the calls for as long as the lease is ours. */
  readonly startLanes: (signal: AbortSignal) => Lanes;
}

/** `follow` of the notifier. */
export const followFeed = ({ platform, startLanes }: FollowerParts): ((turn: Turn) => Promise<void>) => {
  const { read, often, liveSchema } = platform;

  const callsFor = async (rows: readonly FeedRow[], targets: Targets): Promise<readonly NewDelivery[]> => {
    const pushes = wantsPushes(targets) ? await recipientsOf(platform, rows.filter(isPushed)) : [];
    const users = [...new Set(pushes.flatMap(({ users, withoutQuote }) => [...users, ...withoutQuote]))];
    const subscriptions =
      targets.browsers && users.length > 0 ? await read.any(subscriptionsOf(liveSchema('push-subscriptions'), users)) : [];
    const browsers: ReadonlyMap<UserId, readonly SubscriptionRow[]> = Map.groupBy(subscriptions, ({ userId }) => userId);
    return [...liveCalls(rows, targets), ...pushCalls(pushes, targets, browsers)];
  };

  /** Rows behind `after`, whole positions only. */
  const wholePage = async (after: Position, limit = PAGE): Promise<readonly FeedRow[]> => {
    const rows = await often.any(rowsAfter(liveSchema('feed'), afterPosition(after), limit));
    const last = rows.at(-1);
    if (last === undefined || rows.length < limit) return rows;
    const whole = rows.filter((row) => row.position !== last.position);
    if (whole.length > 0) return whole;
    if (limit >= LARGEST_PAGE) throw new Error(`position ${last.position} gave rise to ${limit} feed rows or more`);
    return wholePage(after, limit * 4);
  };

  return async (turn) => {
    const { signal } = turn;
    const ending = new AbortController();
    const lanes = startLanes(AbortSignal.any([signal, ending.signal]));
    const moveTo = async (to: Position, calls: readonly NewDelivery[]): Promise<void> => {
      // With calls it waits for the disk: once the checkpoint has moved, nobody looks at this page again.
      await turn.commit(to, (client) => addDeliveries(client, calls), { durable: calls.length > 0 });
      lanes.poke(new Set(calls.map(({ lane }) => lane)));
    };
    try {
      while (!signal.aborted) {
        // The end first: who registers after this look is told of what comes behind it.
        const end = (await often.maybeOne(newest(liveSchema('feed'))))?.position ?? turn.position;
        const targets = await loadTargets(platform);
        const asleep = isNobody(targets);
        const before = turn.position;
        if (end > before) {
          const rows = asleep ? [] : await wholePage(before);
          const to = asleep ? end : (rows.at(-1)?.position ?? before);
          if (to > before) await moveTo(to, await callsFor(rows.filter(isEvent), targets));
        }
        turn.report(turn.position < end ? 'behind' : lanes.running() > 0 ? 'working' : 'idle');
        turn.progressed();
        const pause = asleep ? PASS_BY_MS : turn.position < end ? 0 : turn.position > before ? GATHER_MS : LOOK_MS;
        await delay(pause, undefined, { signal }).catch(() => undefined);
      }
    } finally {
      ending.abort();
      await lanes.over();
    }
  };
};
