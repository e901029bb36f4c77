/**
 * The outbox: a process manager that sends drafts off when their time has come (docs/decisions/039). Taking a draft back and sending it off meet on
 * the draft's stream; what is sent is filed in its sender's thread and queued for `smtp-egress`.
 */
import type { EventType, Recorded } from '@tidings/contracts/events/index';
import { createCommands } from '@tidings/infra/commands/create-commands';
import { openMime } from '@tidings/infra/mime/mime';
import { followLog } from '@tidings/infra/process-manager/follow-log';
import { startProcessManager, type Turn } from '@tidings/infra/process-manager/process-manager';
import { startTimer } from '@tidings/infra/process-manager/timer';
import type { LeaseOptions } from '@tidings/infra/projector/lease';
import { migrateFiling } from '../../filing/src/migrations.ts';
import type { Platform, Service } from '../../platform/src/platform.ts';
import { openAnswers } from './answers/index.ts';
import { claim, sendOff } from './dispatch.ts';
import { dueAt, forget, nextDue, remember } from './due.ts';
import { migrateOutbox } from './migrations.ts';
import { followReleases } from './releases.ts';

export interface OutboxOptions {
  readonly lease?: LeaseOptions;
}

/** Of its leases and checkpoints. */
const OUTBOX = 'outbox';
const RELEASES = 'outbox-releases';
const ANSWERS = 'outbox-answers';
/** Drafts of which each waits for the disk and a reader of mails a few times on its way. */
const AT_ONCE = 16;
const TYPES: readonly EventType[] = ['DraftSubmitted', 'DraftSendUndone', 'DraftDispatched'];

/** Runs on every node; each shard is followed by the one that holds its lease. Needs `migrateProjector` to have run (leases, checkpoints). */
export const startOutbox = async (platform: Platform, options: OutboxOptions = {}): Promise<Service> => {
  const { log, events, pool, now } = platform;
  const logger = platform.logger.child({ service: 'outbox' });
  await migrateOutbox(pool);
  await migrateFiling(pool); // which threads mail belongs to
  const mime = openMime({ threads: 1 });
  // On states as they are: who took a draft back, or went away, a moment ago was faster.
  const asItIs = { ...platform, commands: createCommands(events, { freshForMs: 0 }) };
  const parts = { platform: asItIs, mime, logger };

  const follow = async (turn: Turn): Promise<void> => {
    const ending = new AbortController();
    const signal = AbortSignal.any([turn.signal, ending.signal]);
    const dispatch = async (due: Parameters<typeof claim>[1]): Promise<void> => {
      await claim(parts, due);
      await forget(pool, due); // claimed, or not to be sent any more
    };
    const timer = startTimer({
      dueAt: (at, limit) => dueAt(pool, turn.shard, at, limit),
      nextDue: () => nextDue(pool, turn.shard),
      ...{ now, logger, signal, dispatch },
    });
    const onEvent = async (event: Recorded): Promise<void> => {
      if (event.type === 'DraftSubmitted') {
        await remember(pool, turn.shard, event.data, event.data.sendAt);
        timer.poke();
      }
      if (event.type === 'DraftSendUndone' || event.type === 'DraftDispatched') await forget(pool, event.data);
      if (event.type === 'DraftDispatched') await sendOff(parts, event);
    };
    try {
      await followLog({ log, events, logger, types: TYPES, onEvent, laneOf: ({ stream }) => stream, atOnce: AT_ONCE })(turn);
    } finally {
      ending.abort();
      await timer.over;
    }
  };
  const common = { shards: log.shards, pool, logger, now, lease: options.lease };
  const outbox = startProcessManager({ name: OUTBOX, follow, ...common });
  const releases = startProcessManager({ name: RELEASES, follow: followReleases(platform), ...common });
  const followAnswers = openAnswers(asItIs, mime, logger);
  const answers = startProcessManager({ name: ANSWERS, follow: followAnswers.follow, ...common });
  const managers = [outbox, releases, answers];
  return {
    name: OUTBOX,
    health: () => managers.map((one) => one.health()).find(({ state }) => state === 'stuck') ?? outbox.health(),
    stop: async () => {
      await Promise.all(managers.map((one) => one.stop()));
      await Promise.all([mime.close(), followAnswers.close()]);
    },
  };
};
