/** Which calls a page of the feed asks for. Pure: what was looked up comes in. */
import { PUSH_REQUESTED } from '@tidings/contracts/http/webhooks';
import { derivedId, type EventId, type UserId } from '@tidings/contracts/ids';
import { webhookLane, type NewDelivery } from '@tidings/infra/webhooks/deliveries';
import type { FeedRow } from '@tidings/projections/feed/queries';
import { mailboxAudience, MEMBER_ADDED, MEMBER_REMOVED } from '@tidings/projections/feed/rows';
import type { SubscriptionRow } from '@tidings/projections/push-subscriptions/index';
import type { Recipients } from './recipients.ts';
import type { Targets } from './targets.ts';

export const KAFKA_LANE = 'kafka';
export const PUSH_LANE_PREFIX = 'push:';
/** Browsers of one push service wait for each other and for no other service. */
export const pushLane = (endpoint: string): string => `${PUSH_LANE_PREFIX}${new URL(endpoint).origin}`;

/** So many people in one hand-off (chat-contract §2). */
export const MOST_TO_USERS = 500;

/** Whether anybody wants to be told who should be reached by a push. */
export const wantsPushes = ({ webhooks, browsers, kafka }: Targets): boolean =>
  kafka || browsers || webhooks.some(({ events }) => events.includes(PUSH_REQUESTED));

export const isEvent = (row: FeedRow): boolean => row.type !== MEMBER_ADDED && row.type !== MEMBER_REMOVED;

/** Every webhook is told of the events it named, one of a mailbox only of what its members are told. */
export const liveCalls = (rows: readonly FeedRow[], { webhooks }: Targets): readonly NewDelivery[] =>
  rows.filter(isEvent).flatMap((row) => {
    const toldId = toldIdOf(row.type, row);
    return webhooks
      .filter(({ events, mailboxId }) => events.includes(row.type) && (mailboxId === null || row.audience === mailboxAudience(mailboxId)))
      .map(({ id }) => call(row, { lane: webhookLane(id), target: id, toldId, type: row.type, toUsers: null }));
  });

/** Kafka and webhooks are handed lists of people; browsers are called themselves. */
export const pushCalls = (
  pushes: readonly Recipients[],
  { webhooks, kafka }: Targets,
  browsers: ReadonlyMap<UserId, readonly SubscriptionRow[]>,
): readonly NewDelivery[] =>
  pushes.flatMap(({ row, users, withoutQuote }) => [
    ...[...chunks(users), ...chunks(withoutQuote)].flatMap((toUsers, part) => {
      const told = { toldId: toldIdOf(PUSH_REQUESTED, row, part), type: PUSH_REQUESTED, toUsers };
      return [
        ...(kafka ? [call(row, { ...told, lane: KAFKA_LANE, target: KAFKA_LANE })] : []),
        ...webhooks
          .filter(({ events }) => events.includes(PUSH_REQUESTED))
          .map(({ id }) => call(row, { ...told, lane: webhookLane(id), target: id })),
      ];
    }),
    ...[...users, ...withoutQuote].flatMap((user) =>
      (browsers.get(user) ?? []).map(({ id, endpoint }) =>
        call(row, { lane: pushLane(endpoint), target: id, toldId: toldIdOf(row.type, row), type: row.type, toUsers: [user] }),
      ),
    ),
  ]);

const chunks = (users: readonly UserId[]): readonly (readonly UserId[])[] =>
  Array.from({ length: Math.ceil(users.length / MOST_TO_USERS) }, (_, at) => users.slice(at * MOST_TO_USERS, (at + 1) * MOST_TO_USERS));

/** The same for every target, at every attempt, and when a crash makes us tell it again. */
const toldIdOf = (type: string, row: FeedRow, part = 0): EventId => derivedId<EventId>('told', type, row.position, row.index, part);

const call = (row: FeedRow, what: Pick<NewDelivery, 'lane' | 'target' | 'toldId' | 'type' | 'toUsers'>): NewDelivery => ({
  ...what,
  id: derivedId<EventId>('delivery', what.target, what.toldId),
  position: row.position,
  index: row.index,
});
