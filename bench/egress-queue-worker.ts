/** Egress over a queue that is there, in a process of its own, so that its memory is its own. */
import type { MailTransport } from '@tidings/contracts/ports/mail-transport';
import { loadConfig } from '@tidings/infra/config/config';
import * as E from 'fp-ts/lib/Either.js';
import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import { openPlatform } from '../services/platform/src/open.ts';
import { nextDue, pickDue } from '../services/smtp-egress/src/due-table.ts';
import { startSmtpEgress } from '../services/smtp-egress/src/index.ts';
import { percentile, sortedCopy } from './harness.ts';

export interface QueueOrder {
  readonly url: string;
  /** When the queue was made; nothing of it is due within the hour. */
  readonly now: number;
  /** How often to look for what is due. */
  readonly times: number;
}

export interface QueueResult {
  readonly readyMs: number;
  readonly megabytes: number;
  readonly emptyMegabytes: number;
  /** Medians; NaN when not asked for. */
  readonly idleMs: number;
  readonly pickMs: number;
}

/** Nothing is due, so nothing is sent. */
const nowhere: MailTransport = {
  route: (domain) => domain,
  send: async () => {
    throw new Error('something was due');
  },
  close: async () => undefined,
};

const megabytes = (): number => process.memoryUsage.rss() / 2 ** 20;
const HALF_A_DAY_MS = 12 * 3_600_000;

const run = async ({ url, now, times }: QueueOrder): Promise<QueueResult> => {
  const config = E.getOrElseW((faults: readonly string[]) => {
    throw new Error(faults.join('; '));
  })(loadConfig({ DATABASE_URL: url, BLOBS: 'postgres', EGRESS: 'direct' }));
  const emptyMegabytes = megabytes();
  const begun = performance.now();
  const platform = await openPlatform(config, { process: 'egress', logger: pino({ level: 'silent' }), connections: 4 });
  const egress = await startSmtpEgress(platform, { transport: nowhere });
  while (egress.health().state !== 'idle') await delay(2);
  const readyMs = performance.now() - begun;
  const after = megabytes();
  const wanted = { shard: 0, limit: 1_000, taken: [], fullLanes: [], fullDomains: [] };
  const idleMs = await median(times, () => pickDue(platform.pool, { ...wanted, now }).then(() => nextDue(platform.pool, 0, now)));
  const pickMs = await median(times, () => pickDue(platform.pool, { ...wanted, now: now + HALF_A_DAY_MS }));
  await egress.stop();
  await platform.close();
  return { readyMs, megabytes: after, emptyMegabytes, idleMs, pickMs };
};

const median = async (times: number, look: () => Promise<unknown>): Promise<number> => {
  const took: number[] = [];
  for (let n = 0; n < times; n += 1) {
    const begun = performance.now();
    await look();
    took.push(performance.now() - begun);
  }
  return percentile(sortedCopy(took), 0.5);
};

process.once('message', (order: QueueOrder) => {
  run(order).then(
    (result) => process.send?.(result, () => process.exit(0)),
    (error: unknown) => {
      process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
      process.exit(1);
    },
  );
});
