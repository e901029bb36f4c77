/**
 * Destroys what has lain in trash and spam for its time. Where it lies and since when is in the read model of emails, and whether it may go is the thread's to
 * say; so nothing needs to be remembered here, and a backlog of years is worked off in steps like any other.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type CommandId, derivedId, type EmailId, type MailboxId, type ThreadId } from '@tidings/contracts/ids';
import { START } from '@tidings/contracts/ports/event-log';
import { timestamp } from '@tidings/contracts/time';
import { type ProcessManager, startProcessManager, type Turn } from '@tidings/infra/process-manager/process-manager';
import type { LeaseOptions } from '@tidings/infra/projector/lease';
import { lyingSince } from '@tidings/projections/emails/index';
import * as E from 'fp-ts/lib/Either.js';
import { destroyEmails, type Left } from '../../platform/src/leaving-threads.ts';
import type { Platform } from '../../platform/src/platform.ts';

/** Emails of one step. */
const STEP = 200;
const EVERY_MS = 60_000;
/** The read model must know of what the last step did, or it is done again. */
const CATCH_UP_MS = 30_000;

export interface EmptierOptions {
  readonly lease?: LeaseOptions | undefined;
  readonly everyMs?: number;
}

type Parts = Pick<Platform, 'config' | 'events' | 'commands' | 'read' | 'liveSchema' | 'freshness' | 'now'>;

/** One for all shards, by the lease of the first. */
export const startEmptier = (
  platform: Parts & Pick<Platform, 'log' | 'pool' | 'logger'>,
  { lease, everyMs = EVERY_MS }: EmptierOptions = {},
): ProcessManager => {
  const { log, pool, logger, now } = platform;
  const follow = async (turn: Turn): Promise<void> => {
    while (!turn.signal.aborted) {
      const destroyed = await destroyDue(platform);
      turn.progressed();
      if (destroyed > 0) {
        logger.info({ emails: destroyed }, 'trash and spam were emptied of what had lain there for its time');
        continue;
      }
      turn.report('idle');
      await delay(everyMs, undefined, { signal: turn.signal }).catch(() => undefined);
      turn.report('working');
    }
  };
  return startProcessManager({ name: 'emptier', shards: log.shards.slice(0, 1), pool, logger, now, lease, follow });
};

/** One step. @returns how many emails were destroyed; none when there is nothing left to do */
export const destroyDue = async (platform: Parts): Promise<number> => {
  const { trash, spam } = platform.config.keptMs;
  let destroyed = 0;
  let position = START;
  for (const [place, keptMs] of [['trash', trash] as const, ['spam', spam] as const]) {
    if (keptMs === null) continue;
    const until = timestamp(platform.now() - keptMs);
    const due = await platform.read.any(lyingSince(platform.liveSchema('emails'), place, until, STEP));
    const byThread = Map.groupBy(due, ({ threadId, mailboxId }) => threadId + mailboxId);
    for (const emails of byThread.values()) {
      const done = await destroyOf(platform, emails);
      destroyed += done.emails;
      if (done.position > position) ({ position } = done);
    }
  }
  if (!(await platform.freshness.waitFor(position, ['emails'], CATCH_UP_MS))) throw new Error('the read model of emails is too far behind');
  return destroyed;
};

/** In one thread of one mailbox. */
const destroyOf = async (
  platform: Parts,
  due: readonly { readonly threadId: ThreadId; readonly mailboxId: MailboxId; readonly emailId: EmailId }[],
): Promise<Left> => {
  const [first] = due;
  if (first === undefined) return NOTHING;
  const { threadId, mailboxId } = first;
  const emailIds = due.map(({ emailId }) => emailId);
  const commandId = derivedId<CommandId>('empty', threadId, mailboxId, ...emailIds);
  const done = await destroyEmails(platform, { threadId, mailboxId, emailIds, by: null }, { commandId });
  // Taken out of the trash, or gone, since the read model looked: that is for the next look.
  if (E.isLeft(done) && (done.left.type === 'NotInTrash' || done.left.type === 'NotInThread')) return NOTHING;
  if (E.isLeft(done)) throw new Error(`what had lain in the trash could not be destroyed: ${done.left.type}`);
  return done.right;
};

const NOTHING: Left = { emails: 0, position: START };
