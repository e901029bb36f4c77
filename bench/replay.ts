/**
 * Rebuilding a read model from the log: one million events each, through the projector runtime as `tidings projections replay` does it, to the
 * last checkpoint. Baseline: the same log read, parsed and thrown away, in the same page size, by one reader: the speed of the source alone.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { TidingsEvent } from '@tidings/contracts/events/index';
import {
  type BlobId,
  type CommandId,
  derivedId,
  type EmailId,
  type MailboxId,
  type MessageId,
  type RoomId,
  streamId,
  type ThreadId,
  type UserId,
} from '@tidings/contracts/ids';
import { START } from '@tidings/contracts/ports/event-log';
import { createEventStore } from '@tidings/infra/event-store/store';
import type { EventStore } from '@tidings/infra/event-store/event-store';
import { migrateEventLog } from '@tidings/infra/event-log/postgres/migrate';
import { openPostgresLog } from '@tidings/infra/event-log/postgres/postgres-log';
import { openPool } from '@tidings/infra/postgres/pools';
import { migrateProjector } from '@tidings/infra/projector/migrations';
import { migrateSubjectKeys, postgresSubjectKeys } from '@tidings/infra/subject-keys/postgres';
import { pino } from 'pino';
import { NODE_OPTIONS } from '../services/cli/src/serve/groups.ts';
import type { Bench, Figure } from './harness.ts';
import { withPostgres } from './postgres.ts';
import type { ReplayOrder, ReplayResult } from './replay-worker.ts';

/** One million is the figure; fewer (BENCH_EVENTS) for a quick look while working on it. */
const EVENTS = Number(process.env['BENCH_EVENTS'] ?? 1_000_000);
const IN_FLIGHT = 2_000;

export const replayBench: Bench = {
  name: 'replay',
  run: async (say) => [
    ...(await replayOf('timeline', 'timeline', chatEvents, say)),
    ...(await replayOf('thread view', 'threads', mailEvents, say)),
  ],
};

const replayOf = (
  what: string,
  projection: string,
  source: (index: number) => readonly [stream: string, key: string, event: TidingsEvent],
  say: (line: string) => void,
): Promise<readonly Figure[]> =>
  withPostgres(async (url) => {
    await migrateEventLog(url);
    await migrateSubjectKeys(url);
    const pool = openPool({ url, name: 'bench', max: 8, logger: pino({ level: 'silent' }) });
    await migrateProjector(pool);
    const log = await openPostgresLog({ url });
    try {
      await fill(createEventStore(log, postgresSubjectKeys({ pool })), source);
      await pool.query('vacuum analyze');
      await pool.query('checkpoint');
      const scan = await scanRate(log);
      say(`${what}: ${EVENTS.toLocaleString('en-US')} events written; the source alone gives ${scan.toFixed(0)} events/s`);
      const replayed = await inWorker({ url, projection });
      say(`${what}: replayed at ${replayed.rate.toFixed(0)} events/s; ${memoryNote(replayed)}`);
      return [
        {
          what: `replay of the ${what}, ${EVENTS.toLocaleString('en-US')} events`,
          unit: 'events/s',
          value: replayed.rate,
          must: { atLeast: 60_000 },
          baseline: { what: 'reading the log only', value: scan },
          note: memoryNote(replayed),
        },
      ];
    } finally {
      await log.close();
      await pool.end();
    }
  });

const memoryNote = ({ cpuMicroseconds, quarterMegabytes, peakMegabytes }: ReplayResult): string =>
  `${cpuMicroseconds.toFixed(1)} µs of CPU an event; process memory ${quarterMegabytes.toFixed(0)} MB at a quarter, ${peakMegabytes.toFixed(0)} MB at most`;

const inWorker = async (order: ReplayOrder): Promise<ReplayResult> => {
  const child = fork(new URL('./replay-worker.ts', import.meta.url), { execArgv: [...(NODE_OPTIONS.projector ?? [])] });
  child.send(order);
  const [result] = (await Promise.race([once(child, 'message'), once(child, 'exit')])) as [ReplayResult | number];
  if (typeof result === 'number') throw new Error(`the replay ended with ${result}`);
  return result;
};

const fill = async (store: EventStore, source: (index: number) => readonly [string, string, TidingsEvent]): Promise<void> => {
  let next = 0;
  const writer = async (): Promise<void> => {
    for (let index = next++; index < EVENTS; index = next++) {
      const [category, key, event] = source(index);
      await store.append(streamId(category, key), 'any', [event], { commandId: derivedId<CommandId>('bench', category, index) });
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, writer));
};

const scanRate = async (log: Awaited<ReturnType<typeof openPostgresLog>>): Promise<number> => {
  const start = performance.now();
  for (let after = START; ;) {
    const page = await log.readAll(0, after, 1_000);
    after = page.next;
    if (page.atHead) return EVENTS / ((performance.now() - start) / 1000);
  }
};

const ROOMS = 1_000;
const roomOf = (index: number): RoomId => derivedId<RoomId>('bench-room', index % ROOMS);
const memberOf = (room: number, which: number): UserId => derivedId<UserId>('bench-user', room * 2 + which);

/** A thousand rooms of two, then text messages, round robin. */
const chatEvents = (index: number): readonly [string, string, TidingsEvent] => {
  const room = index % ROOMS;
  const roomId = roomOf(index);
  const members = [memberOf(room, 0), memberOf(room, 1)] as const;
  if (index < ROOMS)
    return ['room', roomId, { type: 'RoomCreated', data: { roomId, roomType: 'Single', name: null, createdBy: members[0], members } }];
  const messageId = derivedId<MessageId>('bench-message', index);
  const senderId = members[index % 2] ?? members[0];
  return [
    'message',
    `${roomId}.${messageId}`,
    {
      type: 'MessageSent',
      data: {
        roomId,
        messageId,
        senderId,
        body: { type: 'Text', text: `Message ${index}: ${'lorem ipsum dolor sit amet '.repeat(4)}` },
        mentions: [],
        threadId: null,
      },
    },
  ];
};

const MAILBOXES = 100;
const MAILS_PER_THREAD = 4;

/** A hundred mailboxes, threads of four mails. */
const mailEvents = (index: number): readonly [string, string, TidingsEvent] => {
  const threadNumber = Math.floor(index / MAILS_PER_THREAD);
  const threadId = derivedId<ThreadId>('bench-thread', threadNumber);
  return [
    'thread',
    threadId,
    {
      type: 'EmailFiled',
      data: {
        threadId,
        mailboxId: derivedId<MailboxId>('bench-mailbox', threadNumber % MAILBOXES),
        emailId: derivedId<EmailId>('bench-email', index),
        blobId: index.toString(16).padStart(64, '0') as BlobId,
        bodyBlobId: index.toString(16).padStart(64, '1') as BlobId,
        size: 10_240,
        direction: 'in',
        place: 'inbox',
        startsThread: index % MAILS_PER_THREAD === 0,
        messageIdReused: false,
        envelope: null, // as filing leaves it where the headers name the recipient
        content: {
          messageId: `${index}@example.org`,
          inReplyTo: [],
          references: [],
          from: [{ name: 'A Sender', email: `sender${index % 500}@example.org` }],
          to: [{ name: null, email: 'contact@tidings.test' }],
          cc: [],
          subject: `Subject of thread ${threadNumber}`,
          sentAt: '2026-11-20T10:00:00.000Z',
          preview: `Mail ${index}: ${'lorem ipsum dolor sit amet '.repeat(4)}`.slice(0, 140),
          hasAttachments: false,
        },
      },
    },
  ];
};
