/**
 * The caretaker: a process manager for what follows by itself from what people do with mail. Who loses the right to a thread no longer takes care
 * of it. It decides on the log's own state and acts by commands alone, so whatever it does twice is done once.
 */
import type { EventType, Recorded } from '@tidings/contracts/events/index';
import { createCommands } from '@tidings/infra/commands/create-commands';
import { createLeases, DEFAULT_LEASE, type LeaseOptions } from '@tidings/infra/projector/lease';
import type { Platform, Service, ServiceHealth } from '../../platform/src/platform.ts';
import { startFollower } from './follower.ts';
import { unassignAllWhoLost, unassignWhereLost } from './unassign.ts';

export interface CaretakerOptions {
  readonly lease?: LeaseOptions;
}

const TYPES: readonly EventType[] = ['MailboxMemberSet', 'MailboxMemberRemoved', 'ThreadShared', 'ThreadUnshared'];

/** Runs on every node; each shard is followed by the one that holds its lease. Needs `migrateProjector` to have run (leases, checkpoints). */
export const startCaretaker = (platform: Platform, options: CaretakerOptions = {}): Service => {
  const logger = platform.logger.child({ service: 'caretaker' });
  const leases = createLeases(platform.pool, {
    ...(options.lease ?? DEFAULT_LEASE),
    onLost: ({ shard }) => followers.get(shard)?.lost(),
    onError: (error) => logger.warn({ err: error }, 'the lease could not be renewed; trying again'),
  });
  // On states as they are: a role taken away a moment ago is what it is here for.
  const parts = { ...platform, commands: createCommands(platform.events, { freshForMs: 0 }) };
  const onEvent = async (event: Recorded): Promise<void> => {
    if (event.type === 'MailboxMemberSet' || event.type === 'MailboxMemberRemoved') {
      await unassignWhereLost(parts, event.data.userId, event);
    }
    if (event.type === 'ThreadShared' || event.type === 'ThreadUnshared') await unassignAllWhoLost(parts, event.data.threadId, event);
  };
  const followers = new Map(
    platform.log.shards.map((shard) => [shard, startFollower({ platform, shard, leases, logger, types: TYPES, onEvent })]),
  );

  return {
    name: 'caretaker',
    health: () => [...followers.values()].map((follower) => follower.health()).toSorted((a, b) => severity(b) - severity(a))[0] ?? IDLE,
    stop: async () => {
      await Promise.all([...followers.values()].map((follower) => follower.stop()));
      leases.close();
    },
  };
};

const IDLE: ServiceHealth = { state: 'idle', lastProgressAt: null, waitingOn: null };
const ORDER: readonly ServiceHealth['state'][] = ['not-owner', 'idle', 'working', 'starting', 'behind', 'stuck', 'failed'];
const severity = ({ state }: ServiceHealth): number => ORDER.indexOf(state);
