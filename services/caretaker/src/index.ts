/**
 * The caretaker: a process manager for what follows by itself from what people do with mail, and from time. Who loses the right to a thread no longer
 * takes care of it; a thread that somebody split is brought to its end; trash and spam are emptied;
 * bytes that nobody keeps are removed. It decides on the log's own state and acts by commands alone, so whatever it does twice is done once.
 */
import type { EventType, Recorded } from '@tidings/contracts/events/index';
import { type CommandId, derivedId } from '@tidings/contracts/ids';
import { createCommands } from '@tidings/infra/commands/create-commands';
import { followLog } from '@tidings/infra/process-manager/follow-log';
import { startProcessManager, worstOf } from '@tidings/infra/process-manager/process-manager';
import type { LeaseOptions } from '@tidings/infra/projector/lease';
import { completeSplit } from '../../platform/src/leaving-threads.ts';
import type { Platform, Service } from '../../platform/src/platform.ts';
import { startCollector } from './collector.ts';
import { type EmptierOptions, startEmptier } from './emptier.ts';
import { lastMembersOf, unassignAllWhoLost, unassignWhereLost } from './unassign.ts';

export interface CaretakerOptions {
  readonly lease?: LeaseOptions;
  readonly emptier?: EmptierOptions;
}

/** Of its leases and checkpoints. */
const CARETAKER = 'caretaker';
const TYPES: readonly EventType[] = [
  'MailboxMemberSet',
  'MailboxMemberRemoved',
  'MailboxClosed',
  'ThreadShared',
  'ThreadUnshared',
  'EmailsDestroyed',
  'EmailsSplitOff',
];

/** Runs on every node; each shard is followed by the one that holds its lease. Needs `migrateProjector` to have run (leases, checkpoints). */
export const startCaretaker = (platform: Platform, options: CaretakerOptions = {}): Service => {
  const { log, events, pool, now } = platform;
  const logger = platform.logger.child({ service: 'caretaker' });
  // On states as they are: a role taken away a moment ago is what it is here for.
  const parts = { ...platform, commands: createCommands(events, { freshForMs: 0 }) };
  const onEvent = async (event: Recorded): Promise<void> => {
    if (event.type === 'MailboxMemberSet' || event.type === 'MailboxMemberRemoved') {
      await unassignWhereLost(parts, event.data.userId, event);
    }
    if (event.type === 'MailboxClosed') {
      for (const user of await lastMembersOf(events, event.data.mailboxId)) await unassignWhereLost(parts, user, event);
    }
    if (event.type === 'ThreadShared' || event.type === 'ThreadUnshared' || event.type === 'EmailsDestroyed')
      await unassignAllWhoLost(parts, event.data.threadId, event);
    if (event.type === 'EmailsSplitOff') {
      const { threadId, into } = event.data;
      // Only its causation: each part has a command id of its own.
      await completeSplit(parts, threadId, into, { commandId: derivedId<CommandId>('complete split', into), causationId: event.id });
      for (const one of [threadId, into]) await unassignAllWhoLost(parts, one, event);
    }
  };
  const follow = followLog({ log, events, logger, types: TYPES, onEvent });
  const { lease } = options;
  const managers = [
    startProcessManager({ name: CARETAKER, shards: log.shards, pool, logger, now, lease, follow }),
    startEmptier({ ...parts, logger }, { lease, ...options.emptier }),
    startCollector(platform, logger, lease),
  ];
  return {
    name: 'caretaker',
    health: () => worstOf(managers.map((manager) => manager.health())),
    stop: async () => {
      await Promise.all(managers.map((manager) => manager.stop()));
    },
  };
};
