/** A queue of deferred mail: how soon a process that starts is ready to send, what it takes in memory, and how long it takes to see what is due. */
import {
  type AttemptId,
  type BlobId,
  type CommandId,
  derivedId,
  type EmailId,
  type MailboxId,
  streamId,
  type ThreadId,
} from '@tidings/contracts/ids';
import type { OutboundEvent } from '@tidings/contracts/events/outbound';
import { timestamp } from '@tidings/contracts/time';
import { openPostgresLog } from '@tidings/infra/event-log/postgres/postgres-log';
import { createEventStore } from '@tidings/infra/event-store/store';
import { openPool } from '@tidings/infra/postgres/pools';
import { postgresSubjectKeys } from '@tidings/infra/subject-keys/postgres';
import { pino } from 'pino';
import { migrate } from '../services/cli/src/migrate.ts';
import { inProcess } from './chat-program.ts';
import type { QueueOrder, QueueResult } from './egress-queue-worker.ts';
import type { Figure } from './harness.ts';
import { withPostgres } from './postgres.ts';

const DEFERRED = Number(process.env['BENCH_DEFERRED'] ?? 1_000_000);
/** Of a mail; each at a domain of its own. */
const RECIPIENTS = 10;
const MAILBOXES = 1_000;
const DOMAINS = 10_000;
const IN_FLIGHT = 500;
const HOUR_MS = 3_600_000;

export const egressQueueFigures = (say: (line: string) => void): Promise<readonly Figure[]> =>
  withPostgres(async (url) => {
    const now = Date.now();
    await fill(url, now);
    say(`${DEFERRED.toLocaleString('en-US')} recipients deferred, to between 1 and 25 hours from now`);
    const worker = new URL('./egress-queue-worker.ts', import.meta.url);
    const look = (times: number): Promise<QueueResult> => inProcess<QueueResult>(worker, { url, now, times } satisfies QueueOrder);
    const first = await look(0);
    say(`from the log alone: ready after ${(first.readyMs / 1000).toFixed(1)} s, ${first.megabytes.toFixed(0)} MB`);
    const again = await look(200);
    say(
      `started again: ready after ${again.readyMs.toFixed(0)} ms, ${again.megabytes.toFixed(0)} MB; nothing due is seen in ${again.idleMs.toFixed(2)} ms, a thousand due are picked in ${again.pickMs.toFixed(1)} ms`,
    );
    const what = `SMTP egress, ${DEFERRED.toLocaleString('en-US')} recipients deferred`;
    const plain = { baseline: null, must: null } as const;
    return [
      { what: `${what}: a start, from connecting to sending`, unit: 'ms', value: again.readyMs, ...plain },
      { what: `${what}: the same with all of it from the log`, unit: 's', value: first.readyMs / 1000, ...plain },
      {
        what: `${what}: memory of the process, when ready`,
        unit: 'MB',
        value: again.megabytes,
        ...plain,
        note: `${again.emptyMegabytes.toFixed(0)} MB before it started`,
      },
      { what: `${what}: to see that nothing is due, median`, unit: 'ms', value: again.idleMs, ...plain },
      { what: `${what}: to pick a thousand that are due, median`, unit: 'ms', value: again.pickMs, ...plain },
    ];
  });

const fill = async (url: string, now: number): Promise<void> => {
  const logger = pino({ level: 'silent' });
  await migrate(url, logger);
  const pool = openPool({ url, name: 'bench', max: 8, logger });
  const log = await openPostgresLog({ url });
  const store = createEventStore(log, postgresSubjectKeys({ pool }));
  let next = 0;
  const writer = async (): Promise<void> => {
    for (let n = next++; n < DEFERRED / RECIPIENTS; n = next++) {
      const emailId = derivedId<EmailId>('bench-deferred', n);
      await store.append(streamId('outbound', emailId), 'any', eventsOf(n, emailId, now), {
        commandId: derivedId<CommandId>('bench-deferred', n),
      });
    }
  };
  try {
    await Promise.all(Array.from({ length: IN_FLIGHT }, writer));
    await pool.query('vacuum analyze');
    await pool.query('checkpoint');
  } finally {
    await log.close();
    await pool.end();
  }
};

/** Queued, and put off once. */
const eventsOf = (n: number, emailId: EmailId, now: number): readonly OutboundEvent[] => {
  const [mailboxId, threadId] = [derivedId<MailboxId>('bench-mailbox', n % MAILBOXES), derivedId<ThreadId>('bench-deferred', n)];
  const recipients = Array.from({ length: RECIPIENTS }, (_, at) => at);
  const of = { emailId, mailboxId, threadId };
  const addressOf = (at: number): string => `person${n}@d${(n * 7 + at * 131) % DOMAINS}.example`;
  return [
    {
      type: 'EmailQueued',
      data: {
        ...{ ...of, rawBlobId: n.toString(16).padStart(64, '0') as BlobId, size: 10_240, messageId: `${emailId}@tidings.test` },
        ...{ envelopeFrom: 'team@tidings.test', recipientCount: RECIPIENTS, queuedBy: null },
        recipients: recipients.map((at) => ({ address: addressOf(at), kind: 'to' as const })),
      },
    },
    {
      type: 'RecipientsDeferred',
      data: {
        ...{
          ...of,
          attemptId: derivedId<AttemptId>('bench-deferred', n),
          recipients,
          host: 'mx.example.org',
          reply: '450 4.2.0 greylisted',
        },
        ...{ enhancedCode: '4.2.0', retryAt: timestamp(now + HOUR_MS + (n % (24 * 3_600)) * 1_000), attempted: true },
      },
    },
  ];
};
